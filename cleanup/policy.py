"""What may be done to a data folder: one dataclass, read from ``PlexFolder.policy`` and stored with each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mediasync.core.errors import UsageError

from .choices import Klass

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Policy:
    """Days are of 24 hours, sizes are bytes. The defaults do the least harm."""

    classes: tuple[str, ...] = (
        Klass.UNUSED,
        Klass.SELECTED,
        Klass.ANALYSIS,
        Klass.ORPHAN,
        Klass.CHILD,
        Klass.TIDY,
        Klass.CACHE,
    )
    columns: tuple[str, ...] = ("thumb", "banner", "music", "clear_logo", "square_art")  # "art" is the dangerous one
    orphan_days: int = 14  # every file of an orphan must be older
    upload_days: int = 30  # younger uploads stay
    upload_newest: int = 3  # of each folder of uploads, the newest stay
    overlays_only: bool = False  # of the uploads only pictures that Kometa drew on (EXIF 0x04bc = overlay)
    upload_themes: bool = False  # also unused theme music of the uploads
    cache_days: int = 30  # cached pictures not touched for longer may go; 0 = all
    cache_budget: int = 0  # bytes that the cache may keep, oldest go first; 0 = no limit
    unproven: bool = False  # also addresses that no digest proves
    locked: bool = False  # also fields that a person locked
    unknown_locked: bool = True  # where no server can be asked, a lock of an unknown kind counts for every picture
    elsewhere: bool = False  # the library's own folders cannot be seen from here: only Plex's word tells if one lacks
    plain_http: bool = False  # also addresses without TLS: browsers block them on https pages
    collections: bool = False  # also posters of members of collections, of which Plex makes composites
    live_deletes: bool = False  # put unreferenced files away while Plex runs, if it is idle
    live_writes: bool = False  # write the database while Plex runs, if it is idle
    idle_only: bool = True  # only when nobody watches
    hours_from: int = 0  # a run that a schedule accepted works only from this hour of the day …
    hours_to: int = 0  # … until this one; the same: at any time
    checksum: bool = False  # a digest of each file that is put away, not only of those that are copied
    delete_at_once: bool = False  # without quarantine; asks a person twice
    cache_at_once: bool = False  # cached pictures are deleted at the end of a run, all else waits in quarantine
    ask_after: tuple[str, ...] = ()  # of Plex, after a run: clean_bundles, optimize, empty_trash
    most_files: int = 500_000  # of one run
    most_bytes: int = 500 * GIB
    most_share: float = 0.5  # of all bundles, that one run may take as orphans
    shrink: float = 0.2  # an index that lost more than this share since the last run is not believed
    url_sample: float = 0.05  # share of the addresses that are loaded in full
    url_per_second: float = 5.0  # questions to one web host
    url_days: int = 30  # an answer is believed that long


def of(stored: Mapping[str, Any]) -> Policy:
    """Return the policy that was stored; UsageError names what is unknown or of a wrong type."""
    known = {each.name: each for each in fields(Policy)}
    values: dict[str, Any] = {}
    for name, value in stored.items():
        if name not in known:
            raise UsageError(f"The policy knows no {name!r}; it knows: {', '.join(sorted(known))}.", code="bad_policy")
        default = getattr(Policy(), name)
        if isinstance(default, tuple):
            fits = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
            value = tuple(value) if fits else value
        elif isinstance(default, bool):
            fits = isinstance(value, bool)
        else:
            fits = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if not fits:
            raise UsageError(f"{name} of the policy cannot be {value!r}.", code="bad_policy", name=name)
        values[name] = value
    return Policy(**values)


def stored(policy: Policy) -> dict[str, Any]:
    """Return what ``of`` reads."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(policy).items()}
