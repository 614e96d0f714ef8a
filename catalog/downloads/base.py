"""What a place to get files from is: ``SOURCE = ItsClass`` in one module, and one entry in ``plugins.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Protocol

from django_stubs_ext import StrOrPromise

from mediasync.core.texts import plain
from mediasync.jobs.outcomes import storable

from ..sources.base import Reach, TrackMeta


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be the song. ``key`` is the source's own; ``opaque`` what it needs to fetch it (JSON-able)."""

    source: str  # models.DownloadSource.name
    key: str
    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    duration: float | None = None  # seconds
    ext: str = ""
    size: int | None = None  # bytes
    bitrate: int | None = None  # kbit/s
    lossless: bool | None = None
    isrc: str = ""
    mbid: str = ""
    license: str = ""
    rights_basis: str = ""  # own-copy, open-licence, public-domain, user-supplied
    exact: bool = False  # the song's own source offers this file: it cannot be another song
    opaque: Mapping[str, Any] = field(default_factory=dict)


def sound(found: Candidate) -> Candidate:
    """Return a candidate without numbers that cannot be, and with texts that every database takes."""
    names = ("key", "title", "album", "ext", "isrc", "mbid", "license", "rights_basis")
    texts: Any = {name: plain(str(getattr(found, name) or "")) for name in names}
    return replace(
        found,
        **texts,
        artists=tuple(plain(str(each)) for each in found.artists),
        duration=_number(found.duration),
        size=None if (size := _number(found.size)) is None else int(size),
        bitrate=None if (rate := _number(found.bitrate)) is None else int(rate),
        opaque=storable(dict(found.opaque)),
    )


def _number(value: Any) -> float | None:
    """Return a number above 0 that counts something in the world, else None."""
    return value if isinstance(value, int | float) and isfinite(value) and 0 < value < 2**53 else None


@dataclass(frozen=True, slots=True)
class Fetch:
    """How to get it: a file on this machine, or an address (with parameters and headers that may be secret)."""

    path: str = ""  # stored text; "" = by ``url``
    url: str = ""
    params: tuple[tuple[str, str | bytes], ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    size: int | None = None
    digest: str = ""  # "md5:…", "sha1:…" or "sha256:…"; "" = unknown


Tell = Callable[[int, int | None], None]
"""Called with the bytes that are here and that there will be; raises to stop."""


class DownloadSource(Protocol):
    label: ClassVar[StrOrPromise]
    notice: ClassVar[StrOrPromise]
    fields: ClassVar[tuple[str, ...]]

    def __init__(self, reach: Reach, name: str) -> None: ...

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        """Return what may be the song, best first as the source thinks; nothing found is no error."""

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        """Bring the file to ``part``, going on where an earlier try ended; Unavailable, RateLimited, Unreachable …"""
