"""What a source of playlists is: ``SOURCE = ItsClass`` in one module, and one entry in ``plugins.py``.

Sources speak HTTP only through ``Reach.http`` (paced, one session a host) and touch no table.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from django_stubs_ext import StrOrPromise

Result = Literal["ok", "empty", "private", "partial", "parse_error"]


@dataclass(frozen=True, slots=True)
class PlaylistRef:
    """Which list: ``kind`` is playlist, toplist or feed."""

    platform: str
    remote_id: str
    kind: str = "playlist"
    url: str = ""


@dataclass(frozen=True, slots=True)
class PlaylistMeta:
    """What a pool says of one of its lists; counts are None where it does not say."""

    ref: PlaylistRef
    name: str
    track_count: int | None = None
    play_count: int | None = None
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class TrackMeta:
    """One song as a source says it. ``duration`` is in seconds; ``snapshot`` is all that describes it, JSON-able.

    ``snapshot["url"]`` is where the file itself is offered, by sources that do (podcasts, playlists of addresses).
    ``ext``, ``size`` (bytes) and ``quality`` are of the best version that the source names; no file was looked for.
    """

    remote_id: str
    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    duration: float | None = None
    isrc: str = ""
    mbid: str = ""
    kind: str = "music"  # models.Song.Kind
    ext: str = ""
    size: int | None = None
    quality: str = ""
    snapshot: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Some lists of a pool. Who asks stops when there is no more, or when a whole page was seen before."""

    playlists: tuple[PlaylistMeta, ...]
    has_more: bool
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Tracks:
    """All songs of a list, in order; ``meta`` where the list said more of itself than its pool."""

    result: Result
    tracks: tuple[TrackMeta, ...] = ()
    meta: PlaylistMeta | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a plug-in is lent: HTTP with its pace, its settings and secret, and a way to say and to hear."""

    http: Any  # catalog.http.Http
    settings: Mapping[str, Any]
    secret: str = field(default="", repr=False)
    platform: str = ""  # Source.name: what its refs carry
    progress: Callable[[str], None] = lambda text: None
    stopping: Callable[[], bool] = lambda: False
    occasion: Hashable = None  # what was listed for one start of a job is listed anew for another


class PlaylistSource(Protocol):
    """The protocol. ``notice`` is shown before somebody switches it on; ``pools`` are kinds of ``models.Pool``."""

    label: ClassVar[StrOrPromise]
    notice: ClassVar[StrOrPromise]
    pools: ClassVar[tuple[str, ...]]
    fields: ClassVar[tuple[str, ...]]  # of ``settings``; "secret" = it needs one

    def __init__(self, reach: Reach) -> None: ...

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        """Return the list that an address of this platform means, or None; asks nobody."""

    def collect(self, pool: str) -> Iterator[Page]:
        """Yield the lists of a pool, page by page; RateLimited, ParseError, AccessDenied, Unreachable."""

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        """Return the songs of one list; Private and ParseError for one that is not to be had, and those of ``collect``.

        Only "ok" and "empty" say that what is not in the answer left the list.
        """
