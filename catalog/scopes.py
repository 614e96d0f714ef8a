"""What a job of the catalog is asked to do: one form of scope for all kinds, checked here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from mediasync.core.errors import UsageError
from mediasync.jobs.choices import LaneMode
from mediasync.jobs.registry import Lane

from .finding import truth
from .models import DownloadSource, Playlist, Pool, Song, Source, StorageBackend
from .songs import in_playlists

Scope = Mapping[str, Any]

NUMBERS = {"limit": 1_000_000, "workers": 64}  # name → most
FLAGS = ("wanted", "verify")
NAMES = ("sources", "pools", "playlists", "songs", "download_sources", "root", "backend", *NUMBERS, *FLAGS)
MOST_ID = 2**63 - 1
BLOCK = 500  # ids a query: below SQLite's limit of variables
DOWNLOADS = Lane("catalog:download", LaneMode.EXCLUSIVE)  # disk and network are not fought about
GENERAL = Lane("catalog")


def check_scope(scope: Scope) -> dict[str, Any]:
    """Return a scope in its normal form, so that equal requests are one job.

    ``sources`` (names; absent = all), ``pools`` (kinds), ``playlists`` (ids), ``wanted`` (only these playlists),
    ``songs`` (ids; only for what downloads or uploads), ``download_sources`` (names in order), ``root`` (a folder for
    new files) and ``backend`` (where to upload): ids or names of storage backends, ``limit`` and ``workers`` (numbers),
    ``verify`` (look at what was uploaded).
    Raises UsageError.
    """
    if not isinstance(scope, Mapping):
        raise UsageError("A scope is an object.", code="bad_scope")
    if unknown := sorted(map(str, set(scope) - set(NAMES))):
        raise UsageError(f"A job of the catalog knows no {', '.join(unknown)}.", code="bad_scope")
    found: dict[str, Any] = {
        "sources": sorted(_known(scope, "sources", _platforms)),
        "pools": sorted(_known(scope, "pools", lambda: Pool.Kind.values)),
        "playlists": _ids(scope, "playlists", Playlist),
        "songs": _ids(scope, "songs", Song),
        "download_sources": _known(scope, "download_sources", _downloads),
        "root": _backend(scope.get("root"), local=True),
        "backend": _backend(scope.get("backend"), local=False),
    }
    for name, most in NUMBERS.items():
        found[name] = _number(name, scope.get(name), most)
    for name in FLAGS:
        found[name] = truth(str(scope.get(name) or ""))
    return {name: value for name, value in found.items() if value}


def check_asking(scope: Scope) -> dict[str, Any]:
    """Return the scope of a job that asks sources; UsageError if one that it names is not switched on."""
    found = check_scope(scope)
    if found.get("songs"):
        raise UsageError("Sources are asked for playlists, not for songs.", code="bad_scope")
    for name in found.get("sources", ()):
        if not Source.objects.filter(name=name, enabled=True).exists():
            raise UsageError(f"The source {name} is not switched on.", code="source_off", name=name)
    return found


def playlists_in(scope: Scope) -> QuerySet[Playlist]:
    """Return the playlists that a (checked) scope means, oldest first; its limit is not applied."""
    rows = Playlist.objects.order_by("pk")
    if sources := scope.get("sources"):
        rows = rows.filter(platform__in=sources)
    if pools := scope.get("pools"):
        rows = rows.filter(pools__kind__in=pools).distinct()
    if playlists := scope.get("playlists"):
        rows = rows.filter(pk__in=playlists)
    return rows.filter(wanted=True) if scope.get("wanted") else rows


def songs_in(scope: Scope) -> QuerySet[Song]:
    """Return the songs of the playlists that a (checked) scope means, each once; its limit is not applied."""
    rows = Song.objects.all()
    if any(scope.get(name) for name in ("pools", "playlists", "wanted")):
        rows = in_playlists(playlists_in(scope).order_by())
    elif scope.get("sources"):
        rows = rows.filter(platform__in=scope["sources"])
    return rows.filter(pk__in=scope["songs"]) if scope.get("songs") else rows


def download_lanes(scope: Scope) -> Sequence[Lane]:
    """Return the lanes of a kind that downloads: only one does."""
    return (DOWNLOADS,)


def general_lanes(scope: Scope) -> Sequence[Lane]:
    """Return the lanes of all other kinds: they share."""
    return (GENERAL,)


def title(code: str) -> Callable[[Scope], tuple[str, dict[str, Any]]]:
    """Return how jobs of a kind are called: by their song or playlist, by how many there are, by their sources."""

    def titled(scope: Scope) -> tuple[str, dict[str, Any]]:
        for part, model in (("songs", Song), ("playlists", Playlist)):
            ids: Sequence[int] = scope.get(part) or []
            if len(ids) == 1:
                only = model._default_manager.filter(pk=ids[0]).first()
                return f"{code}_{part.removesuffix('s')}", {"name": str(only or f"#{ids[0]}")}
            if ids:
                return f"{code}_{part}", {"count": len(ids)}
        if scope.get("sources"):
            return f"{code}_sources", {"names": ", ".join(scope["sources"])}
        return code, {}

    return titled


def _platforms() -> set[str]:
    names = set(Source.objects.values_list("name", flat=True))
    return names | set(Playlist.objects.order_by().values_list("platform", flat=True).distinct())


def _downloads() -> set[str]:
    return set(DownloadSource.objects.filter(enabled=True).values_list("name", flat=True))


def _known(scope: Scope, name: str, known: Callable[[], Any]) -> list[str]:
    """Return a list of names without doubles; UsageError names those that there are."""
    given = scope.get(name) or []
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list | tuple | set):
        raise UsageError(f"The {name.replace('_', ' ')} are a list of names.", code="bad_scope")
    names = list(dict.fromkeys(text for each in names if (text := str(each).strip())))
    if not names:
        return []
    there = set(known())
    if missing := [each for each in names if each not in there]:
        raise UsageError(
            f"No {name.replace('_', ' ')} {', '.join(missing)}; there are: {', '.join(sorted(there)) or 'none'}.",
            code="bad_scope",
        )
    return names


def _ids(scope: Scope, name: str, model: type[Playlist] | type[Song]) -> list[int]:
    given = scope.get(name) or []
    try:
        ids = sorted({int(str(each)) for each in (given.split(",") if isinstance(given, str) else given)})
    except (TypeError, ValueError):
        raise UsageError(f"{name.capitalize()} are named by their numbers.", code="bad_scope") from None
    found: set[int] = set()
    for start in range(0, len(ids), BLOCK):
        block = [each for each in ids[start : start + BLOCK] if abs(each) <= MOST_ID]
        found.update(model._default_manager.filter(pk__in=block).values_list("pk", flat=True))
    if missing := [str(each) for each in ids if each not in found]:
        one = name.removesuffix("s")
        raise UsageError(f"There is no {one} {', '.join(missing[:10])}.", code=f"no_{one}")
    return ids


def _backend(given: Any, *, local: bool) -> int | None:
    if not given:
        return None
    by_name = {"pk": int(given)} if str(given).isdecimal() else {"name": str(given)}
    row = StorageBackend.objects.filter(**by_name).first()
    if row is None:
        raise UsageError(f"There is no storage backend {given}.", code="no_backend")
    if local and row.kind != StorageBackend.Kind.LOCAL:
        raise UsageError(f"{row.name} is not a local folder.", code="bad_scope")
    return row.pk


def _number(name: str, given: Any, most: int) -> int | None:
    if given in (None, ""):
        return None
    try:
        number = int(str(given))
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= most:
        raise UsageError(f"The {name} must be a number from 0 to {most}.", code="bad_scope")
    return number or None
