"""Which files are missing on a backend: each gets a task, block by block.

The database is trusted: what has an active location on the backend is not asked for again, unless ``verify`` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, IntegerField, OuterRef, QuerySet, Subquery, Value

from mediasync.core import clock

from .models import FileLocation, PlaylistSong, StorageBackend, UploadTask
from .scopes import songs_in
from .storage.base import Storage

ACTIVE = FileLocation.Status.ACTIVE
LOCAL = StorageBackend.Kind.LOCAL
BLOCK = 500  # files
SONGS = ("sources", "pools", "playlists", "songs", "wanted")  # what of a scope says which songs


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files: those of the songs that ``songs`` means (a scope), all if it is empty; ``limit`` 0 is no limit.

    ``verify``: look on the backend instead of trusting our rows.
    """

    songs: Mapping[str, Any] = field(default_factory=dict)
    limit: int = 0
    verify: bool = False

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Wanted:
        """Return what a job's scope means; what it leaves open is as the settings say."""
        songs = {name: scope[name] for name in SONGS if scope.get(name)}
        if not songs:
            named = {"sources": settings.UPLOAD_SOURCES, "playlists": settings.UPLOAD_PLAYLIST_IDS}
            songs = {name: value for name, value in named.items() if value}
        return cls(songs, int(scope.get("limit") or settings.UPLOAD_LIMIT), bool(scope.get("verify")))


@dataclass(frozen=True, slots=True)
class Queued:
    """One file that has a task: its number, the playlist it was found in (None: by its platform), and a name."""

    task: int
    asset: int
    name: str
    playlist: int | None
    platform: str


@dataclass(slots=True)
class Queue:
    """Makes upload tasks block by block; goes on after the file version ``after``."""

    backend: StorageBackend
    storage: Storage
    wanted: Wanted
    after: int = 0
    _clashing: frozenset[str] = field(default_factory=frozenset)

    def blocks(self) -> Iterator[list[Queued]]:
        """Yield the files that are missing, one a version, each with a task that waits."""
        self._clashing = self._shared_locators()
        left = self.wanted.limit or None
        while True:
            size = BLOCK if left is None else min(BLOCK, left)
            rows = list(self._missing().filter(file_asset_id__gt=self.after)[: BLOCK * 2]) if size else []
            firsts = {row["file_asset_id"]: row for row in reversed(rows)}
            chosen = [firsts[asset] for asset in sorted(firsts)[:size]]
            if not chosen:
                return
            self.after = chosen[-1]["file_asset_id"]
            if left is not None:
                left -= len(chosen)
            yield self._tasks(chosen)

    def _missing(self) -> QuerySet[FileLocation, Any]:
        """Return local files, the primary one of a version first."""
        rows = FileLocation.objects.filter(status=ACTIVE, backend__kind=LOCAL).exclude(backend=self.backend)
        if not self.wanted.verify:
            there = FileLocation.objects.filter(file_asset=OuterRef("file_asset"), backend=self.backend, status=ACTIVE)
            rows = rows.filter(~Exists(there))
        playlist: Any = Value(None, IntegerField())
        if self.wanted.songs:
            rows = rows.filter(file_asset__song__in=songs_in(self.wanted.songs).order_by())
        if playlists := self.wanted.songs.get("playlists"):
            found = PlaylistSong.objects.filter(song=OuterRef("file_asset__song"), playlist__in=playlists)
            playlist = Subquery(found.order_by("playlist").values("playlist")[:1])
        rows = rows.annotate(platform=F("file_asset__song__platform"), in_playlist=playlist)
        ordered = rows.order_by("file_asset_id", "-is_primary", "id")
        return ordered.values("id", "file_asset_id", "locator", "platform", "in_playlist")

    def _shared_locators(self) -> frozenset[str]:
        """Return locators that versions in several local folders share: they must not overwrite each other."""
        rows = FileLocation.objects.filter(status=ACTIVE, backend__kind=LOCAL).exclude(backend=self.backend)
        if rows.order_by().values("backend").distinct().count() < 2:
            return frozenset()
        shared = rows.order_by().values("locator").annotate(n=Count("file_asset", distinct=True)).filter(n__gt=1)
        return frozenset(shared.values_list("locator", flat=True))

    def _tasks(self, chosen: Sequence[dict[str, Any]]) -> list[Queued]:
        """Write a waiting task for each, or set the one that there is back to waiting."""
        locators = self._locators({row["file_asset_id"]: row["locator"] for row in chosen})
        now = clock.system.now()
        tasks = [
            UploadTask(
                file_asset_id=row["file_asset_id"],
                source_location_id=row["id"],
                backend=self.backend,
                locator=locators[row["file_asset_id"]],
                changed_at=now,
            )
            for row in chosen
        ]
        with transaction.atomic():
            UploadTask.objects.bulk_create(
                tasks,
                update_conflicts=True,
                unique_fields=["file_asset", "backend", "locator"],
                update_fields=["source_location", "state", "error", "changed_at"],
            )
            rows = UploadTask.objects.filter(backend=self.backend, file_asset__in=locators)
            ids = {(asset, locator): pk for pk, asset, locator in rows.values_list("id", "file_asset_id", "locator")}
        return [
            Queued(
                ids[row["file_asset_id"], locators[row["file_asset_id"]]],
                row["file_asset_id"],
                row["locator"],
                row["in_playlist"],
                row["platform"],
            )
            for row in chosen
        ]

    def _locators(self, local: Mapping[int, str]) -> dict[int, str]:
        """Return where each version goes: where it is, else its mirrored path, else that with its number."""
        mine = FileLocation.objects.filter(backend=self.backend, status=ACTIVE)
        known = dict(mine.filter(file_asset__in=local).order_by("-id").values_list("file_asset_id", "locator"))
        plain = {asset: self.storage.locator(locator) for asset, locator in local.items()}
        owners = dict(mine.filter(locator__in=set(plain.values())).values_list("locator", "file_asset_id"))
        found = {}
        for asset, locator in plain.items():
            taken = local[asset] in self._clashing or owners.get(locator, asset) != asset
            found[asset] = known.get(asset) or (_marked(locator, asset) if taken else locator)
        return found


def _marked(locator: str, asset: int) -> str:
    """Return the locator with the number of the version in its name."""
    folder, slash, name = locator.rpartition("/")
    stem, dot, ext = name.rpartition(".")
    return f"{folder}{slash}{stem or ext} [{asset}]{dot + ext if stem else ''}"
