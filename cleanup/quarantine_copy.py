"""Move things to another file system: copied, on the disk, compared, and only then removed where they were.

The copy is made under a name that nothing else has and renamed when it is whole. Done again after a crash it goes on: a
whole copy is compared and not made anew, and what is left of the original is removed as far as the copy has it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator

from mediasync.core import paths

from .plexdata.entries import Entry
from .plexdata.safe import Root

PART = ".mediasync-part-"
SPARE = 64 << 20  # bytes that stay free on the other file system
PIECE = 1 << 20


def move(source: Root, path: str, entry: Entry, target: Root, to: str) -> str:
    """Move a file, a link or a folder; return the SHA-1 of a file ("" for others).

    OSError (ENOSPC) when too little is free; FileExistsError when something else lies in the place. The original is
    whole until the copy is.
    """
    whole = target.lstat(to)
    if whole is None:
        _room(target, source, path, entry)
        part = part_of(to)
        clear(target, part)
        try:
            _copy(source, path, target, part)
            _compare(source, path, target, part)
            target.rename(part, target, to)
        except BaseException:
            with contextlib.suppress(OSError):
                clear(target, part)
            raise
    else:
        _compare(source, path, target, to)
    target.sync(to.rpartition("/")[0])
    sha1 = digest(target, to) if entry.kind == "file" else ""
    _remove(source, path, target, to)
    return sha1


def part_of(to: str) -> str:
    """Return where the copy is made that becomes ``to``: beside it, the same one at each try, no longer than a name."""
    above, slash, name = to.rpartition("/")
    return above + slash + PART + hashlib.sha1(paths.to_bytes(name), usedforsecurity=False).hexdigest()


def _room(target: Root, source: Root, path: str, entry: Entry) -> None:
    needed = entry.size if entry.kind != "folder" else sum(each.size for each in walk(source, path))
    free = os.fstatvfs(target.fd)
    if free.f_bavail * free.f_frsize < needed + SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target.path)


def walk(root: Root, path: str) -> Iterator[Entry]:
    """Yield ``path`` and everything below it, folders before what is in them."""
    entry = root.lstat(path)
    if entry is None:
        return
    yield entry
    if entry.kind == "folder":
        for name in root.names(path):
            yield from walk(root, f"{path}/{name}")


def _copy(source: Root, path: str, target: Root, to: str) -> None:
    folders: list[tuple[str, str]] = []
    for entry in walk(source, path):
        new = to + entry.path[len(path) :]
        if entry.kind == "folder":
            target.makedirs(new)
            folders.append((entry.path, new))
        elif entry.kind == "link":
            target.symlink(entry.target, new)
            above, name = target._above(new)
            os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=above, follow_symlinks=False)
        elif entry.kind == "file":
            _copy_file(source, entry.path, target, new)
        else:
            raise OSError(errno.EINVAL, "neither file, link nor folder", entry.path)
    for old, new in reversed(folders):
        _copy_facts(source, old, target, new)
        target.sync(new)


def _copy_file(source: Root, path: str, target: Root, to: str) -> None:
    reading = source.open_file(path)
    try:
        writing = target.create(to)
        try:
            while data := os.read(reading, PIECE):
                view = memoryview(data)
                while view:
                    view = view[os.write(writing, view) :]
            _facts(os.fstat(reading), writing)
            os.fsync(writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy_facts(source: Root, old: str, target: Root, new: str) -> None:
    reading, writing = source.open_folder(old), target.open_folder(new)
    try:
        _facts(os.fstat(reading), writing)
    finally:
        os.close(reading)
        os.close(writing)


def _facts(found: os.stat_result, fd: int) -> None:
    """Give the copy the owner (as far as we may), the rights and the times of the original."""
    with contextlib.suppress(OSError):
        os.fchown(fd, found.st_uid, found.st_gid)
    os.fchmod(fd, stat.S_IMODE(found.st_mode))
    os.utime(fd, ns=(found.st_atime_ns, found.st_mtime_ns))


def _compare(source: Root, path: str, target: Root, to: str) -> None:
    """Raise FileExistsError unless everything at ``path`` is at ``to``, with the same content."""
    for entry in walk(source, path):
        copy = target.lstat(to + entry.path[len(path) :])
        same = copy is not None and copy.kind == entry.kind and copy.target == entry.target
        if same and entry.kind == "file":
            same = digest(source, entry.path) == digest(target, to + entry.path[len(path) :])
        if not same:
            raise FileExistsError(errno.EEXIST, "the copy is not the same", to)


def digest(root: Root, path: str) -> str:
    """Return the SHA-1 of a file."""
    with os.fdopen(root.open_file(path), "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()


def _remove(source: Root, path: str, target: Root, to: str) -> None:
    """Remove the original, each file only if the copy has one of its size; what is new stays, and so do its folders."""
    for entry in reversed(list(walk(source, path))):
        copy = target.lstat(to + entry.path[len(path) :])
        if copy is None or copy.kind != entry.kind or (entry.kind == "file" and copy.size != entry.size):
            raise OSError(errno.ENOTEMPTY, "something new lies there", entry.path)
        if entry.kind == "folder":
            source.rmdir(entry.path)
        else:
            source.unlink(entry.path)


def clear(root: Root, path: str) -> None:
    """Remove ``path`` and everything below it, if anything is there."""
    for entry in reversed(list(walk(root, path))):
        if entry.kind == "folder":
            root.rmdir(entry.path)
        else:
            root.unlink(entry.path)
