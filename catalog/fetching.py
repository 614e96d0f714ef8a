"""Bring a file: into a ``.part`` that a later try goes on with, and to its place in one step when it is whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import Permanent, Transient, Unreachable
from mediasync.core.paths import for_people, to_bytes

from .downloads.base import Candidate, Fetch, Tell
from .errors import Unavailable

if TYPE_CHECKING:
    import requests

PIECE = 128 * 1024  # bytes
MOST = 4_000_000_000  # bytes of one file
SLOWEST = 1_000  # bytes a second, over …
WINDOW = 60.0  # … so many seconds: less is a server that only pretends
OLD = 7 * 86400.0  # seconds
PARTS = ".mediasync-parts"  # below the library: the same file system, and no server looks into it
NOT_FILES = ("text/html", "text/xml", "application/xml", "application/json", "text/javascript", "application/xhtml")


def part_for(folder: str, song: int, candidate: Candidate) -> Path:
    """Return where a candidate of a song is gathered below a library (stored text): the same name in every try.

    OSError if the library is not there: a disk that is not mounted is not written around.
    """
    name = hashlib.sha256(f"{candidate.source}\0{candidate.key}".encode("utf-8", "replace")).hexdigest()[:16]
    parts = Path(os.fsdecode(to_bytes(folder))) / PARTS
    parts.mkdir(exist_ok=True)
    return parts / f"{song}-{name}.part"


def forget(folder: str, song: int) -> None:
    """Remove what was gathered for a song."""
    parts = Path(os.fsdecode(to_bytes(folder))) / PARTS
    for each in parts.glob(f"{song}-*"):
        with suppress(OSError):
            each.unlink()


def sweep(folder: str, now: float) -> int:
    """Remove the parts that nobody went on with for a week, and return how many; ``now`` in seconds since 1970."""
    old = 0
    for each in (Path(os.fsdecode(to_bytes(folder))) / PARTS).glob("*-*"):
        with suppress(OSError):
            if each.stat().st_mtime < now - OLD:
                each.unlink()
                old += 1
    return old


def place(part: Path, target: str) -> None:
    """Move a whole file to its place (absolute stored text); it is on the disk before its name is."""
    path = to_bytes(target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    _note(part).unlink(missing_ok=True)


def bring(
    fetch: Fetch, part: Path, tell: Tell, http: Any, *, came_from: str = "", clock: Clock = clocks.system
) -> Fetch:
    """Fill ``part`` with what ``fetch`` names, from where an earlier try ended, and return it with the size it has.

    ``http`` is a ``catalog.http.Http``; ``came_from`` its ``open``. Raises Unavailable, RateLimited, Unreachable,
    Transient (cut off: try again), AccessDenied, OSError of this disk, and what ``tell`` raises.
    """
    if fetch.path:
        return _copy(fetch, part, tell)
    return _Download(fetch, part, tell, http, came_from, clock).run()


def _copy(fetch: Fetch, part: Path, tell: Tell) -> Fetch:
    try:
        source = open(to_bytes(fetch.path), "rb")  # noqa: SIM115 - its errors are others than those of the copy
    except OSError as error:
        raise Unavailable(f"{for_people(fetch.path)}: {error.strerror}.", code="file_unreadable") from None
    with source, part.open("wb") as file:
        size = os.fstat(source.fileno()).st_size
        while piece := source.read(PIECE * 8):
            file.write(piece)
            tell(file.tell(), size)
    return Fetch(path=fetch.path, size=size, digest=fetch.digest)


class _Download:
    """One try to fetch an address."""

    def __init__(self, fetch: Fetch, part: Path, tell: Tell, http: Any, came_from: str, clock: Clock) -> None:
        self.fetch, self.part, self.tell, self.http = fetch, part, tell, http
        self.came_from, self.clock = came_from, clock

    def run(self) -> Fetch:
        there = self.part.stat().st_size if self.part.exists() else 0
        validator = _read(self._note).get("validator", "")
        if there and not (validator or (self.fetch.digest and self.fetch.size)):
            there = 0  # nobody could say whether the rest belongs to it
        if there and there == self.fetch.size:
            return self.fetch  # whole already; whoever examines it compares the digest
        try:
            return self._ask(there, validator)
        except Permanent as error:
            if there and error.params.get("status") == 416:  # it is shorter than what we have: another file
                return self._ask(0, "")
            raise

    @property
    def _note(self) -> Path:
        return _note(self.part)

    def _ask(self, there: int, validator: str) -> Fetch:
        headers = {"Accept-Encoding": "identity", **self.fetch.headers}
        if there:
            headers["Range"] = f"bytes={there}-"
            if validator:
                headers["If-Range"] = validator
        url, params = self.fetch.url, self.fetch.params
        with self.http.open("GET", url, params, headers=headers, came_from=self.came_from) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind in NOT_FILES:
                raise Unavailable(f"A page came instead of a file ({kind}).", code="not_audio", kind=kind)
            if response.headers.get("Content-Encoding", "identity") not in ("", "identity"):
                raise Unavailable("The server packs the file, though it was asked not to.", code="encoded")
            start = there if _goes_on(response, there) else 0
            size = _size(response, start)
            if size is not None and size > MOST:
                raise Unavailable("The file is too large.", code="too_large", size=size)
            if not start:
                self._note.write_text(json.dumps({"validator": _validator(response)}))
            done = self._save(response, start, size)
        if size is not None and done < size:
            raise Transient(f"The connection ended after {done} of {size} bytes.", code="cut", size=done, expected=size)
        return Fetch(url=self.fetch.url, size=self.fetch.size or size, digest=self.fetch.digest)

    def _save(self, response: requests.Response, start: int, size: int | None) -> int:
        done = marked = start
        since = self.clock.monotonic()
        with self.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            for piece in _pieces(response):
                file.write(piece)
                done += len(piece)
                if done > MOST:
                    raise Unavailable("The file is too large.", code="too_large", size=done)
                self.tell(done, size)
                if self.clock.monotonic() - since > WINDOW:
                    if done - marked < SLOWEST * WINDOW:
                        raise Transient("The file comes too slowly.", code="too_slow", size=done)
                    since, marked = self.clock.monotonic(), done
        return done


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield what arrives as soon as it does; a connection that breaks becomes our error, a full disk does not."""
    from urllib3.exceptions import HTTPError  # here: it costs a tenth of a second at the start of every command

    while True:
        try:
            piece = response.raw.read1(PIECE, decode_content=True)
        except (HTTPError, OSError):  # requests' own errors are OSErrors
            raise Unreachable("The connection broke.", code="cut") from None
        if not piece:
            return
        yield piece


def _goes_on(response: requests.Response, there: int) -> bool:
    """Tell whether the answer is the rest of what is here; a 206 for another range is an error of the server."""
    if response.status_code != 206 or not there:
        return False
    if response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
        return True
    raise Unavailable("The server sent another part than it was asked for.", code="wrong_range")


def _size(response: requests.Response, start: int) -> int | None:
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status_code == 206 and whole.isdecimal():
        return int(whole)
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _validator(response: requests.Response) -> str:
    """Return what If-Range takes: a strong ETag, or the date of the file."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _note(part: Path) -> Path:
    return part.with_suffix(".json")


def _read(note: Path) -> dict[str, str]:
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
