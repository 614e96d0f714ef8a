"""List folders fast. Plain Python without Django, so that it also runs as a child process that starts in 20 ms.

What counts: folders, regular files, and symbolic links to regular files inside the root (with the size and time of what
they lead to). Links to folders are never descended, so loops are harmless; links that are broken or lead out of the
root, FIFOs, sockets and devices are skipped and counted. Names and paths are bytes here and leave as stored text.

A *listing* is the tuple ``(mtime_ns, signature, folders, files, error, skipped)``. ``files`` are sorted tuples ``(name,
size, mtime_ns, ident)``; the signature is a signed 64-bit hash over both. ``error`` is "" for a complete listing; with
an error it may lack names, and proves nothing about what is not in it. What cannot be listed at all raises OSError.

A folder that changed less than two seconds ago gets mtime 0: clocks of file systems tick coarsely, and a change in the
same tick would stay unseen; with 0 it is listed once more.
"""

from __future__ import annotations

import errno
import marshal
import os
import stat
import sys
import time
from _blake2 import blake2b  # hashlib would cost a child process 10 ms
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, BinaryIO, Protocol

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from mediasync.core.paths import to_text

Row = tuple[bytes, int, int, int | None]  # name, size, mtime_ns, ident
Listing = tuple[int, int, list[bytes], list[Row], str, int]
Known = tuple[int, bytes, int | None, int | None]  # directory id, path, mtime_ns, signature; None = list it anyway
Unknown = tuple[int | None, bytes]  # id of the parent, path
Found = tuple[int, int, int, list[str] | None, list[tuple[str, int, int, int | None]], str]
Block = tuple[list[tuple[int, int | None, str, int, int, str]], list[Any], list[Unknown], int, int, list[int | None]]

MAX = (1 << 63) - 1
COARSE_NS = 2_000_000_000
REASONS = {
    errno.ENOENT: "vanished",
    errno.ENOTDIR: "vanished",  # something else took its place
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.ENAMETOOLONG: "name_too_long",
    errno.EIO: "io_error",
    errno.ELOOP: "link_loop",
    errno.ETIMEDOUT: "timeout",
    errno.ENOTCONN: "disconnected",
    errno.ESTALE: "disconnected",
    errno.EHOSTDOWN: "disconnected",
    errno.EMFILE: "too_many_open_files",
    errno.ENFILE: "too_many_open_files",
}


class Lists(Protocol):
    """What the functions here need of a lister."""

    def listing(self, below: bytes) -> Listing: ...


def reason(error: OSError) -> str:
    """Return the code of why something could not be read."""
    return REASONS.get(error.errno or 0) or errno.errorcode.get(error.errno or 0, "io_error").lower()


def signature(folders: list[bytes], files: list[Row]) -> int:
    """Return the hash of a sorted listing (marshal's version 2 writes the same bytes for the same values)."""
    digest = blake2b(marshal.dumps((folders, files), 2), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def texts(names: Sequence[bytes]) -> list[str]:
    """Return the stored text of many names or paths at once (they hold no zero byte)."""
    return to_text(b"\0".join(names)).split("\0") if names else []


class Folder:
    """Lists what lies below one folder of this machine.

    ``spec`` is a filter's (``monitors.keep``), None for everything. ``idents`` says whether inode numbers are to be
    trusted: FUSE and network file systems make them up anew at each mount.
    """

    def __init__(self, root: bytes, spec: dict[str, Any] | None = None, idents: bool = True) -> None:
        self.root = root.rstrip(b"/")
        self.idents = idents
        self.device = -1
        self.paths = bool(spec and spec["paths"])
        self.keep: Callable[[bytes, bool, bytes], bool] = _everything
        if spec is not None:
            from monitors.keep import make_keep

            self.keep = make_keep(spec)

    def path(self, below: bytes) -> bytes:
        """Return the absolute path."""
        return self.root + b"/" + below

    def mtime(self, below: bytes) -> int:
        """Return a folder's mtime_ns; OSError if it is none (any more)."""
        found = os.stat(self.root + b"/" + below, follow_symlinks=not below)
        if found.st_mode & 0o170000 != 0o040000:
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        return found.st_mtime_ns

    def listing(self, below: bytes) -> Listing:
        """Return the listing of one folder."""
        path = self.root + b"/" + below
        found = os.stat(path, follow_symlinks=not below)
        if found.st_mode & 0o170000 != 0o040000:
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        mtime = found.st_mtime_ns
        if abs(time.time_ns() - mtime) < COARSE_NS or abs(mtime) > MAX:
            mtime = 0
        folders, files, error, skipped = self._read(path, below, self._mix(found.st_dev))
        folders.sort()
        files.sort()
        return mtime, signature(folders, files), folders, files, error, skipped

    def _mix(self, device: int) -> int:
        """Return what to mix into inode numbers: 0 on the root's own file system (whose number may change at boot)."""
        if self.device < 0:
            self.device = os.stat(self.root + b"/").st_dev
        return 0 if device == self.device else (device * 0x9E3779B97F4A7C15) & MAX

    def _read(self, path: bytes, below: bytes, mix: int) -> tuple[list[bytes], list[Row], str, int]:
        folders: list[bytes] = []
        files: list[Row] = []
        error, skipped = "", 0
        keep, idents, paths = self.keep, self.idents, self.paths
        prefix = below + b"/" if below else b""
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if entry.is_file(follow_symlinks=False):
                        if not keep(name, False, prefix + name if paths else name):
                            continue
                        try:
                            found = entry.stat(follow_symlinks=False)
                        except FileNotFoundError:
                            continue  # it vanished since: as if it had never been listed
                        except OSError as caught:
                            error = reason(caught)
                            continue
                    elif entry.is_dir(follow_symlinks=False):
                        if keep(name, True, prefix + name):
                            folders.append(name)
                        continue
                    else:
                        target = self._target(path, name) if entry.is_symlink() else None
                        if target is None:
                            skipped += 1
                            continue
                        if not keep(name, False, prefix + name):
                            continue
                        found = target
                    mtime, inode = found.st_mtime_ns, found.st_ino
                    if mtime > MAX or inode > MAX or mtime < -MAX:  # beyond the year 2262; 64 bits unsigned
                        mtime, inode = max(-MAX, min(MAX, mtime)), inode & MAX
                    files.append((name, found.st_size, mtime, inode ^ mix if idents else None))
        except OSError as caught:
            if not folders and not files:
                raise
            error = reason(caught)
        return folders, files, error, skipped

    def _target(self, path: bytes, name: bytes) -> os.stat_result | None:
        """Return the stat of the regular file inside the root that a link leads to, or None."""
        full = path + b"/" + name
        try:
            found = os.stat(full)
            if not stat.S_ISREG(found.st_mode):
                return None
            real, top = os.path.realpath(full), os.path.realpath(self.root + b"/")
        except OSError:
            return None
        return found if real.startswith(top.rstrip(b"/") + b"/") else None


class Inside(Folder):
    """Goes into each folder, so that the kernel need not find the way to it anew for every file (a tenth faster).

    Only for a process of its own, because all threads of a process are in the same folder.
    """

    def _read(self, path: bytes, below: bytes, mix: int) -> tuple[list[bytes], list[Row], str, int]:
        os.chdir(path)
        return super()._read(b".", below, mix)


def _everything(name: bytes, is_dir: bool, below: bytes) -> bool:
    return True


def check(lister: Lists, entries: Sequence[Known]) -> list[Found]:
    """List known folders and return those that differ: (id, mtime_ns, signature, folders, files, error).

    ``folders`` is None where only the mtime differs or nothing could be listed.
    """
    out: list[Found] = []
    for identity, below, mtime, before in entries:
        try:
            listing = lister.listing(below)
        except OSError as caught:
            out.append((identity, 0, 0, None, [], reason(caught)))
            continue
        if (found := differs(identity, mtime, before, listing)) is not None:
            out.append(found)
    return out


def differs(identity: int, mtime: int | None, before: int | None, listing: Listing) -> Found | None:
    """Return what to report of one listing, None if it shows nothing new."""
    now, mark, folders, files, error, _ = listing
    if mark != before or error:
        names = texts([row[0] for row in files])
        rows = [(name, *row[1:]) for name, row in zip(names, files, strict=True)]
        return identity, now, mark, texts(folders), rows, error
    return (identity, now, mark, None, [], "") if now != mtime else None


class Pack:
    """Collects listings of new folders into one block that the database takes as it is."""

    def __init__(self) -> None:
        self.folders: list[tuple[int, int | None, bytes, int, int, str]] = []
        self.owners: list[int] = []
        self.files: list[Row] = []
        self.skipped = 0
        self.lost: list[int | None] = []

    def add(self, identity: int, parent: int | None, below: bytes, listing: Listing) -> list[Unknown]:
        """Take one listing; return the folders in it, which are to be listed next (first one last)."""
        mtime, mark, folders, files, error, skipped = listing
        self.folders.append((identity, parent, below, mtime, mark, error))
        self.owners += [identity] * len(files)
        self.files += files
        self.skipped += skipped
        prefix = below + b"/" if below else b""
        return [(identity, prefix + name) for name in reversed(folders)]

    def failed(self, identity: int, parent: int | None, below: bytes, why: str) -> None:
        """Take a folder that could not be listed."""
        self.folders.append((identity, parent, below, 0, 0, why))

    def vanished(self, parent: int | None) -> None:
        """Take note that a folder has vanished since the one above it was listed, which so must be listed again."""
        self.lost.append(parent)

    def block(self, left: list[Unknown]) -> Block:
        """Return (folder rows, flat file rows, folders left to list, bytes, entries skipped, ids above vanished ones).

        Flat means id, name, size, mtime_ns, ident, id, name, …: a list a row would cost a third more time.
        """
        paths = texts([row[2] for row in self.folders])
        folders = [(*row[:2], path, *row[3:]) for row, path in zip(self.folders, paths, strict=True)]
        if not self.files:
            return folders, [], left, 0, self.skipped, self.lost
        names, sizes, mtimes, idents = zip(*self.files, strict=True)
        flat = list(chain.from_iterable(zip(self.owners, texts(names), sizes, mtimes, idents, strict=True)))
        return folders, flat, left, sum(sizes), self.skipped, self.lost


def walk(lister: Lists, first: int, entries: Sequence[Unknown], folders: int, files: int) -> Block:
    """List unknown folders and what lies below them, depth first, and number them from ``first``.

    Ends at ``folders`` folders or about ``files`` files; what is then still to be listed goes back in the block.
    """
    stack = list(reversed(entries))
    pack, number, last = Pack(), first, first + folders
    while stack and number < last and len(pack.files) < files:
        parent, below = stack.pop()
        try:
            stack += pack.add(number, parent, below, lister.listing(below))
        except OSError as caught:
            why = reason(caught)
            if why == "vanished":
                pack.vanished(parent)
                continue
            pack.failed(number, parent, below, why)
        number += 1
    return pack.block(stack)


def serve(inlet: BinaryIO, outlet: BinaryIO) -> None:
    """Answer tasks until the inlet ends: each side sends a length of four bytes, then marshal."""
    import gc

    gc.disable()  # nothing here is cyclic
    lister = Inside(*_receive(inlet))
    while (task := _receive(inlet)) is not None:
        call, *arguments = task
        answer = marshal.dumps((check if call == "check" else walk)(lister, *arguments))
        outlet.write(len(answer).to_bytes(4, "little") + answer)
        outlet.flush()


def _receive(inlet: BinaryIO) -> Any:
    head = inlet.read(4)
    return marshal.loads(inlet.read(int.from_bytes(head, "little"))) if len(head) == 4 else None


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)
