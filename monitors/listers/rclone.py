"""Read a folder of any cloud through a running rclone (``operations/list``), with or without a mount of it.

- A folder's mtime comes with the listing of the folder above it; one that was not listed in this crawl is listed for
  it, folders only. On most clouds it does not move with what lies in the folder; rclone knows of which it does
  (``DirModTimeUpdatesOnWrite``), and where it does not, every folder is listed in every crawl.
- A file's ident is the cloud's id, or a hash where the cloud gives it for nothing.
- Google Drive allows two files of one name in one folder, a path does not: the newer one counts.
- Names that rclone cannot say in JSON (no UTF-8, seen as U+FFFD) are skipped and counted.
"""

from __future__ import annotations

import datetime as dt
import errno
import re
import threading
import time
from collections import defaultdict
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any, NoReturn

from mediasync.core.errors import AccessDenied, Permanent, Snooze, Unreachable, WorkError
from monitors.accounts.asking import Asking
from monitors.accounts.rclone_client import SLOW, Missing, NoFolder, Remote
from monitors.filters import Filter
from monitors.keep import make_keep
from monitors.models import Root
from monitors.walk import COARSE_NS, MAX, Listing, Row, signature

from .base import Crew, Reserve

PARALLEL = 8  # listings at once; the account's limit holds besides
MOVED = -1  # an mtime that no folder is stored with: list it
PLAIN = {"noMimeType": True}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Rclone:
    """The lister ``rclone``."""

    remote = True

    def __init__(self, root: Root) -> None:
        if root.account is None or not root.remote_path:
            raise Permanent("The root has no account to be read through.", code="account_missing", root=root.name)
        self.rc = Remote(root.account, SLOW)
        self.fs = root.remote_path
        self.spec = Filter.of(root).spec()
        self.keep = make_keep(self.spec)
        self.parallel = root.parallel or PARALLEL
        self.times: dict[bytes, dict[bytes, int] | OSError] = {}  # of the folders in a folder, as this crawl was told
        self._lock = threading.Lock()
        self._locks: defaultdict[bytes, threading.Lock] = defaultdict(threading.Lock)
        self._moves: bool | None = None
        self._hash: dict[str, Any] = {}

    def crew(self, reserve: Reserve) -> AbstractContextManager[Crew]:
        """Return threads: rclone answers slowly, but many at once."""
        return Asking(self, self.parallel, reserve)

    def forget(self) -> None:
        """Forget what was told: whoever looks again and again with one lister calls it before each round."""
        self.times = {}

    def mtime(self, below: bytes) -> int:
        """Return the mtime_ns of a folder, or one that differs from all where it would tell nothing."""
        if not below or not self._know():
            return MOVED
        parent, _, name = below.rpartition(b"/")
        with self._lock:
            lock = self._locks[parent]
        with lock:
            if parent not in self.times:
                self._learn(parent)
        times = self.times[parent]
        if isinstance(times, OSError):
            raise times
        return times[name] if name in times else _raise(errno.ENOENT, "no such folder")

    def listing(self, below: bytes) -> Listing:
        """Return the listing of a folder."""
        moves = self._know()
        parent, _, name = below.rpartition(b"/")
        times = self.times.get(parent)
        mtime = times.get(name, 0) if below and moves and isinstance(times, dict) else 0  # as it was before we list
        folders, files, skipped = self._read(below, **self._hash)
        if abs(time.time_ns() - mtime) < COARSE_NS:
            mtime = 0
        return mtime, signature(folders, files), folders, files, "", skipped

    def _learn(self, below: bytes) -> None:
        """List a folder for the times of the folders in it."""
        try:
            self._read(below, dirsOnly=True)
        except OSError as caught:  # once is enough
            self.times[below] = caught

    def _read(self, below: bytes, **options: Any) -> tuple[list[bytes], list[Row], int]:
        """List one folder and remember the times of the folders in it."""
        entries = self._ask("operations/list", remote=_text(below), opt={**PLAIN, **options}).get("list")
        if not isinstance(entries, list):
            _raise(errno.EIO, "an answer without a list")
        times: dict[bytes, int] = {}
        files: dict[bytes, Row] = {}
        skipped = 0
        prefix = below + b"/" if below else b""
        for entry in entries:
            name = _name(entry)
            is_dir = entry.get("IsDir") is True
            if name is None:
                skipped += 1
            elif not self.keep(name, is_dir, prefix + name if is_dir or self.spec["paths"] else name):
                continue
            elif is_dir:
                times[name] = _mtime(entry)
            else:
                row = (name, _size(entry), _mtime(entry), _ident(entry))
                files[name] = max(row, files.get(name, row), key=lambda each: (each[2], each[1], each[3] or 0))
        self.times[below] = times
        return sorted(times), sorted(files.values()), skipped

    def _know(self) -> bool:
        """Learn once what the cloud can; True if a folder's mtime moves with what lies in it."""
        with self._lock:
            if self._moves is None:
                info = self._ask("operations/fsinfo")
                features, hashes = info.get("Features"), info.get("Hashes")
                has = features if isinstance(features, dict) else {}
                if hashes and isinstance(hashes, list) and not has.get("SlowHash", True):
                    self._hash = {"showHash": True, "hashTypes": [str(hashes[0])]}
                # 1.60 does not have the first key yet, and a local disk is the one of which it is sure.
                self._moves = bool(has.get("DirModTimeUpdatesOnWrite", has.get("IsLocal", False)))
            return self._moves

    def _ask(self, command: str, **params: Any) -> dict[str, Any]:
        """Ask; whatever went wrong is an OSError about the folder, but a Snooze is about the whole crawl."""
        try:
            return self.rc.ask(command, fs=self.fs, **params)
        except Snooze:
            raise
        except NoFolder as error:
            _raise(errno.ENOTDIR, str(error))
        except Missing as error:
            _raise(errno.ENOENT, str(error))
        except AccessDenied as error:
            _raise(errno.EACCES, str(error))
        except Unreachable as error:
            _raise(errno.ENOTCONN, str(error))
        except WorkError as error:
            _raise(errno.EIO, str(error))


def _raise(number: int, text: str) -> NoReturn:
    raise OSError(number, text)


def _text(below: bytes) -> str:
    try:
        return below.decode()
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "rclone cannot be asked for a name that is no text") from None


def _name(entry: Any) -> bytes | None:
    """Return the name of an entry, None if no folder can hold such; OSError for rubbish."""
    name = entry.get("Name") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise OSError(errno.EIO, "an entry without a name")
    if name in ("", ".", "..") or "/" in name or "\0" in name or "\ufffd" in name:
        return None
    try:
        return name.encode()
    except UnicodeEncodeError:  # half a character
        return None


def _size(entry: dict[str, Any]) -> int:
    """Return the size; 0 where the cloud does not know it (-1: a Google document)."""
    size = entry.get("Size")
    if not isinstance(size, int) or isinstance(size, bool):
        raise OSError(errno.EIO, "an entry without a size")
    return min(max(size, 0), MAX)


def _mtime(entry: dict[str, Any]) -> int:
    """Return nanoseconds since the epoch of "2026-11-20T08:37:02.200564903Z"; 0 for none."""
    text = entry.get("ModTime", "")
    if not text:
        return 0
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if found is None:
            raise ValueError
        passed = dt.datetime.fromisoformat(found[1] + found[3]) - _EPOCH
    except (ValueError, OverflowError):
        raise OSError(errno.EIO, "an entry with a time that is none") from None
    fraction = int((found[2] or "0").ljust(9, "0"))
    return max(-MAX, min(MAX, (passed.days * 86400 + passed.seconds) * 10**9 + fraction))


def _ident(entry: dict[str, Any]) -> int | None:
    """Return 63 bits of the cloud's id or of the file's hash, None where there is neither."""
    hashes = entry.get("Hashes")
    marks = [entry.get("ID"), *(hashes.values() if isinstance(hashes, dict) else ())]
    mark = next((each for each in marks if isinstance(each, str) and each), None)
    return (
        None if mark is None else int.from_bytes(blake2b(mark.encode("utf-8", "replace"), digest_size=8).digest()) & MAX
    )
