"""What every media server can be asked, in plain typed Python.

A new kind is one module here with ``CLIENT = ItsClass``, and one member of ``Server.Kind`` named like the module.

Every method raises from ``core.errors``: Unreachable (no answer), AccessDenied (401, 403), Transient (busy; has
``retry_after``), Permanent (anything else). No token ever appears in a message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from typing import Any, ClassVar, Literal, ParamSpec, Protocol, TypeVar, cast

from mediasync.core import foreign
from mediasync.core.errors import Permanent

Update = Literal["Created", "Modified", "Deleted"]
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Who answered."""

    name: str
    version: str
    machine: str  # the server's own id


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """One library and its folders, in the server's name space."""

    key: str
    title: str
    kind: str  # the server's word: movie, show, tvshows, "" for mixed
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """One path to look at again, as the server names it."""

    path: str
    update: Update
    is_dir: bool
    library_key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a request that it accepted."""

    status: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class RecentItem:
    """Something that the server took into a library."""

    key: str
    title: str
    path: str
    library_key: str  # "" where the answer does not say it
    added_at: dt.datetime  # aware, UTC
    kind: str = ""  # movie, episode, track, photo …
    show: str = ""  # of an episode; the artist of a track
    season: int | None = None
    episode: int | None = None
    year: int | None = None
    picture: str = ""  # below the base address, without any token


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a path is in a library (None: the server cannot tell), and the server's id of what was found there."""

    here: bool | None
    item: str = ""


Turn = Callable[[], None]
"""Called before a question: it waits for the pace of the server, and may raise to stop."""
Again = Literal["refresh", "analyze"]


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a server. The token is kept out of the repr."""

    url: str
    token: str = field(repr=False)
    connect_timeout: float = 5.0  # seconds
    read_timeout: float = 30.0  # seconds
    verify: bool | str = True  # or the path of a CA file


class Client(Protocol):
    """The protocol. ``unit`` and ``batch`` tell the sender what ``scan`` takes."""

    unit: ClassVar[Literal["directory", "file"]]  # "directory": only existing directories
    batch: ClassVar[int]  # targets for one call of ``scan``
    dates_arrivals: ClassVar[bool]  # ``RecentItem.added_at`` is when the server took it in, not the date of the file

    def __init__(self, access: Access) -> None: ...
    def close(self) -> None: ...

    def probe(self) -> ServerInfo:
        """Ask who is there, with the token: proves address and rights."""

    def libraries(self) -> list[LibraryInfo]:
        """List all libraries with their folders; raises rather than return a part of them."""

    def scan(self, targets: Sequence[ScanTarget]) -> Answer:
        """Ask to look at up to ``batch`` paths again. Accepted is not done: see ``knows``."""

    def refresh_library(self, key: str) -> Answer:
        """Ask to look at a whole library again."""

    def busy(self, key: str) -> bool:
        """Tell whether the server is scanning this library (or all) now."""

    def knows(self, path: str) -> bool | None:
        """Tell whether a file, or anything in a folder, is in a library; None when the server cannot tell."""

    def known(self, key: str, paths: Sequence[str], turn: Turn) -> dict[str, Known]:
        """Tell which of many paths one library knows, as ``knows`` would, with few questions."""

    def titled(self, key: str, title: str) -> list[str]:
        """List paths in a library that may belong to a title, a few hundred at most; who asks must look closer."""

    def look_again(self, item: str, how: Again) -> Answer:
        """Have one item refreshed or analyzed; Permanent if this kind of server does not do that."""

    def trash(self, key: str, turn: Turn, most: int) -> int | None:
        """Count what lies in the trash of a library, up to ``most`` + 1; None: it has none, or cannot say."""

    def empty_trash(self, key: str) -> Answer:
        """Have the trash of a library emptied; Permanent if this kind of server has none."""

    def recent(self, since: dt.datetime) -> list[RecentItem]:
        """List what was added since then, newest first, at most a few hundred."""

    def items(self, keys: Sequence[str]) -> list[RecentItem]:
        """Return those of these items that have a file; ask for fifty at most."""

    def keys(self, since: dt.datetime | None) -> Iterator[str]:
        """Yield the ids of what was added or saved since then; None: of all, where ``dates_arrivals`` is False."""


def client_class(kind: str) -> type[Client]:
    """Return the class for a kind; imported on first use, as the start of Django needs none of it."""
    return cast(type[Client], import_module(f"mediasync.servers.clients.{kind}").CLIENT)


def understood(method: Callable[P, R]) -> Callable[P, R]:
    """Make a method raise Permanent for an answer of another shape than agreed: a proxy may say anything."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, OSError) as error:
            raise Permanent("The answer is not what this kind of server says.", code="server_shape") from error

    return call


def field_of(data: Any, name: str, expected: type) -> Any:
    """Return ``data[name]`` if it is an ``expected``, else raise Permanent: the answer is not what was agreed."""
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, expected):
        raise Permanent(f"The answer has no {name}: is this the right kind of server?", code="server_shape", field=name)
    return value


def holds(top: str, path: str) -> bool:
    """Tell whether ``path`` is ``top`` or lies in it; False for what is no path at all ("smb://…")."""
    try:
        return foreign.is_within(path, top)
    except ValueError:
        return False


def parent(path: str) -> str:
    """Return the folder above ``path``."""
    return str(foreign.split(path).parent)
