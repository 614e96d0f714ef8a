"""What a place to get files from is: ``SOURCE = ItsClass`` in one module, and one entry in ``plugins.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from django_stubs_ext import StrOrPromise

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
