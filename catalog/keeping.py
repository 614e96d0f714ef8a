"""Keep a file that was fetched: give it its place, and write down song, version, location and presence at once.

What a kill leaves between the two is found again: ``Placed`` was saved before the file was moved.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from mediasync.core.paths import to_bytes
from mediasync.jobs.registry import Context

from . import fetching, presence, signals
from .checking import PIECE, Facts
from .downloads.base import Candidate
from .layout import UNKNOWN, locators
from .models import FileAsset, FileLocation, Review, Song, StorageBackend
from .places import path_of
from .sources.base import TrackMeta

_choosing = threading.Lock()  # two songs of one name at once; only one job downloads at a time


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a file is going to be, and what is to be written down about it; JSON-able by ``asdict``."""

    backend: int
    locator: str
    facts: Facts
    source: str
    license: str = ""
    rights_basis: str = ""

    @classmethod
    def of(cls, saved: Any) -> Placed | None:
        """Return what a cursor holds, or None."""
        if not isinstance(saved, dict) or "placed" not in saved:
            return None
        values = dict(saved["placed"])
        return cls(**(values | {"facts": Facts(**values["facts"])}))


def keep(
    ctx: Context, song: Song, want: TrackMeta, backend: StorageBackend, part: Path, facts: Facts, found: Candidate
) -> FileLocation:
    """Move ``part`` to its place below ``backend`` and write it down; OSError of the disk, LostLease."""
    with _choosing:
        locator, there = _choose(song, want, backend, facts, found.source)
        placed = Placed(backend.pk, locator, facts, found.source, found.license[:200], found.rights_basis[:20])
        with ctx.transaction(cursor={"placed": asdict(placed)}):
            pass  # from here on a kill does not leave a file that nobody knows
        if not there:
            fetching.place(part, path_of(backend, locator))
    return write(ctx, song, placed)


def recover(ctx: Context, song: Song, saved: Any) -> FileLocation | None:
    """Write down the file that an interrupted try had moved to its place; None if it had not come so far."""
    placed = Placed.of(saved)
    backend = StorageBackend.objects.filter(pk=placed.backend).first() if placed else None
    if placed is None or backend is None or not _same(path_of(backend, placed.locator), placed.facts):
        return None
    return write(ctx, song, placed)


def write(ctx: Context, song: Song, placed: Placed) -> FileLocation:
    """Write down a file that lies at its place, in one transaction; a second time changes nothing."""
    facts = placed.facts
    backend = StorageBackend.objects.get(pk=placed.backend)
    with ctx.transaction(cursor={}):  # whoever forces the item later is not to be told of this file
        asset, _new = FileAsset.objects.update_or_create(
            song=song,
            quality_label=facts.quality,
            ext=facts.ext,
            file_size_bytes=facts.size,
            defaults={
                "checksum": facts.checksum,
                "duration": facts.duration,
                "source": placed.source,
                "license": placed.license,
                "rights_basis": placed.rights_basis,
            },
        )
        others = asset.locations.filter(status=FileLocation.Status.ACTIVE, is_primary=True)
        primary = not others.exclude(backend=backend, locator=placed.locator).exists()
        location, _new = FileLocation.objects.update_or_create(
            file_asset=asset,
            backend=backend,
            locator=placed.locator,
            defaults={"status": FileLocation.Status.ACTIVE, "is_primary": primary},
        )
        Song.objects.filter(pk=song.pk).update(
            resolved=True,
            ext=facts.ext,
            file_size_bytes=facts.size,
            quality_label=facts.quality,
            changed_at=timezone.now(),
        )
        Review.objects.filter(song=song, state=Review.State.OPEN).delete()
        presence.refresh([song.pk, *_displaced(location, asset)])
        signals.stored.send(FileLocation, paths=[path_of(backend, placed.locator)])
    with suppress(OSError):
        fetching.forget(backend.container_name, song.pk)
    return location


def _displaced(location: FileLocation, asset: FileAsset) -> list[int]:
    """Take away the rows of other files that were at this place (somebody had removed them); return their songs."""
    same = Q(file_asset__checksum=asset.checksum) | Q(
        file_asset__checksum="", file_asset__file_size_bytes=asset.file_size_bytes
    )
    rows = FileLocation.objects.filter(backend=location.backend, locator=location.locator)
    rows = rows.filter(status=FileLocation.Status.ACTIVE).exclude(file_asset=asset).exclude(same)
    songs = list(rows.values_list("file_asset__song", flat=True))
    rows.update(status=FileLocation.Status.INACTIVE, is_primary=False)
    return songs


def _choose(song: Song, want: TrackMeta, backend: StorageBackend, facts: Facts, source: str) -> tuple[str, bool]:
    """Return the first locator that is free, or where the very same file lies already (and True)."""
    names = locators(
        source=source,
        artist=next(iter(want.artists), UNKNOWN),
        album=want.album,
        title=want.title,
        ext=facts.ext,
        quality=facts.quality,
        song=song.pk,
        checksum=facts.checksum,
        layout=settings.DOWNLOAD_LAYOUT,
    )
    locator = ""
    for locator in names:
        path = path_of(backend, locator)
        if not os.path.lexists(to_bytes(path)):
            return locator, False
        if _same(path, facts):
            return locator, True
    return locator, False  # its name is its content's: what lies there is a damaged copy


def _same(path: str, facts: Facts) -> bool:
    """Tell whether a file (stored text) is the one that the facts are of."""
    try:
        if os.stat(to_bytes(path)).st_size != facts.size:
            return False
        digest = hashlib.sha256()
        with open(to_bytes(path), "rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    except OSError:
        return False
    return f"sha256:{digest.hexdigest()}" == facts.checksum
