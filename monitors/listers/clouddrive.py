"""Read folders through CloudDrive2 (``GetSubFiles``), with or without a mount of it.

A request is dear (115 bears one a second), so:

- A folder's mtime comes with the listing of the folder above it: all the folders in one folder cost one request. The
  root's own is never asked for; the root is listed in each crawl.
- What is listed because it moved, is new or was asked for is read past CloudDrive2's cache; listings for mtimes alone
  are not, nor are those of roots whose folder times do not tell, except in a full crawl.
- What is not in a listing of this crawl is not asked for one by one, nor is what lies below it.

A listing counts only when its stream ended well. Throttling, a spent budget or refused credentials are no listing at
all but a Snooze, for the whole crawl: it goes on from its cursor when the account may be asked again.
"""

from __future__ import annotations

import errno
import math
import threading
import time
from collections import defaultdict
from contextlib import AbstractContextManager
from hashlib import blake2b

from mediasync.core import clock
from mediasync.core.errors import AccessDenied, Permanent, Snooze, Unreachable, WorkError
from mediasync.core.paths import to_bytes
from monitors.accounts import clouddrive, limits
from monitors.accounts.asking import Asking
from monitors.accounts.clouddrive_rpc import DENIED, NOT_FOUND, Entry
from monitors.filters import Filter
from monitors.keep import make_keep
from monitors.models import Root
from monitors.walk import COARSE_NS, MAX, Listing, Row, signature

from .base import Crew, Reserve

MOVED = -1  # an mtime that no folder is stored with: list it
MOST = 16  # listings at once

Times = dict[bytes, int]


class CloudDrive:
    """The lister ``clouddrive``. One serves one crawl: it remembers what it was told until the next ``crew``."""

    remote = True
    step = 8  # known folders in one go: a crawl that has to sleep does no more than these again

    def __init__(self, root: Root) -> None:
        if root.account is None or not root.remote_path:
            raise Permanent("The root has no account to be read through.", code="account_missing", root=root.name)
        self.account, self.top = root.account, to_bytes(root.remote_path).rstrip(b"/")
        self.fresh = root.directory_mtime_moves
        self.spec = Filter.of(root).spec()
        self.keep = make_keep(self.spec)
        # One more than the pace needs, as an answer takes about a second.
        self.parallel = root.parallel or min(MOST, math.ceil(limits.pace_of(self.account)) + 1)
        self.lock = threading.Lock()
        self.forget()

    def crew(self, reserve: Reserve) -> AbstractContextManager[Crew]:
        """Return threads: they wait for the network and for the account's pace."""
        self.forget()
        return Asking(self, self.parallel, reserve)

    def mtime(self, below: bytes) -> int:
        """Return the mtime_ns of a folder, or MOVED where it has none."""
        if not below:
            return MOVED
        parent, _, name = below.rpartition(b"/")
        known = self._times_in(parent)
        if isinstance(known, OSError):
            if isinstance(known, FileNotFoundError):
                self.times[below] = known
            raise known
        if name not in known:
            self.times[below] = error = FileNotFoundError(errno.ENOENT, "no such folder")
            raise error
        return known[name] or MOVED

    def told(self, below: bytes) -> int:
        """Return the mtime_ns of a folder as this crawl was told; 0 if it was not, or it changed just now."""
        parent, _, name = below.rpartition(b"/")
        siblings = self.times.get(parent) if below else None
        mtime = siblings.get(name, 0) if isinstance(siblings, dict) else 0
        return 0 if abs(time.time_ns() - mtime) < COARSE_NS else mtime

    def listing(self, below: bytes) -> Listing:
        """Return the listing of a folder."""
        if (ready := self.ready.pop(below, None)) is not None:
            return ready
        if (error := self._absent(below)) is not None:
            raise error
        return self._read(below, fresh=self.fresh)

    def forget(self) -> None:
        self.times: dict[bytes, Times | OSError] = {}  # folder → the folders in it, as this crawl was told
        self.ready: dict[bytes, Listing] = {}  # listings that nobody has taken yet
        self.locks: defaultdict[bytes, threading.Lock] = defaultdict(threading.Lock)

    def _lock_of(self, below: bytes) -> threading.Lock:
        with self.lock:
            return self.locks[below]

    def _times_in(self, below: bytes) -> Times | OSError:
        """Return the times of the folders in a folder; it is listed for them if this crawl has not done so yet."""
        with self._lock_of(below):
            if below not in self.times:
                if below:
                    self._times_in(below.rpartition(b"/")[0])  # which may tell that it is not there at all
                self._learn(below)
            return self.times[below]

    def _learn(self, below: bytes) -> None:
        try:
            if (error := self._absent(below)) is not None:
                raise error
            listing = self._read(below, fresh=self.fresh and not below)
        except OSError as caught:
            self.times[below] = caught
            return
        if not below:
            self.ready[below] = listing  # the root will be asked for

    def _absent(self, below: bytes) -> OSError | None:
        """Return an error if this crawl was told that a folder, or one above it, is not there."""
        if not below:
            return None
        parent, _, name = below.rpartition(b"/")
        known = self.times.get(parent)
        if isinstance(known, FileNotFoundError):
            return known
        missing = isinstance(known, dict) and name not in known
        return FileNotFoundError(errno.ENOENT, "no such folder") if missing else None

    def _read(self, below: bytes, *, fresh: bool) -> Listing:
        mtime = self.told(below)  # as it was before we list
        folders, files, skipped = self._sorted_out(below, self._ask(below, fresh))
        self.times[below] = folders
        names, rows = sorted(folders), sorted(files.values())
        return mtime, signature(names, rows), names, rows, "", skipped

    def _ask(self, below: bytes, fresh: bool) -> list[Entry]:
        """Ask; what went wrong with one folder is an OSError, what is about the account a Snooze."""
        try:
            path = (self.top + b"/" + below).rstrip(b"/").decode() or "/"
        except UnicodeDecodeError:
            raise FileNotFoundError(errno.ENOENT, "no name in a cloud is like this") from None
        try:
            with clouddrive.asking(self.account) as own:
                return own.listing(path, fresh=fresh)
        except Snooze:
            raise
        except WorkError as error:
            raise self._told(error) from None

    def _told(self, error: WorkError) -> Exception:
        account = self.account
        if isinstance(error, AccessDenied) or error.code in (limits.THROTTLED, limits.QUOTA_SPENT):
            until = account.cooldown_until or clock.system.now() + limits.PAUSED
            return Snooze(str(error), until=until, code=error.code, account=account.name, **error.params)
        if error.code == NOT_FOUND:
            return FileNotFoundError(errno.ENOENT, str(error))
        if error.code == DENIED:
            return PermissionError(errno.EACCES, str(error))
        return OSError(errno.ENOTCONN if isinstance(error, Unreachable) else errno.EIO, str(error))

    def _sorted_out(self, below: bytes, entries: list[Entry]) -> tuple[Times, dict[bytes, Row], int]:
        """Return the folders, the files, and how many entries no path can have (of two files of one name, the newer
        counts)."""
        folders: Times = {}
        files: dict[bytes, Row] = {}
        skipped = 0
        prefix = below + b"/" if below else b""
        for entry in entries:
            if entry.name in ("", ".", "..") or "/" in entry.name or "\0" in entry.name:
                skipped += 1
                continue
            name, mtime = entry.name.encode(), max(-MAX, min(MAX, entry.mtime_ns))
            if not self.keep(name, entry.is_dir, prefix + name):
                continue
            skipped += name in (folders if entry.is_dir else files)
            if entry.is_dir:
                folders[name] = max(mtime, folders.get(name, mtime))
            else:
                row = (name, max(entry.size, 0), mtime, ident_of(entry.ident))
                files[name] = max(row, files.get(name, row), key=lambda each: (each[2], each[1], each[3] or 0))
        return folders, files, skipped


def ident_of(mark: str) -> int | None:
    """Return 63 bits that stand for a cloud's id; None for none."""
    return int.from_bytes(blake2b(mark.encode(), digest_size=8).digest()) & MAX if mark else None
