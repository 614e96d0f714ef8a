"""Look, make, replace and remove single links. Plain functions on bytes; errors are the system's.

Nothing here follows a link: what stands at the path of a link is looked at, never what it leads to.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress

from mediasync.core.paths import to_bytes

from . import names
from .build import HOPELESS
from .wanted import COPY, SYMLINK, Wanted

BODY_LIMIT = 65_536  # bytes; no .strm of ours is longer
COARSE = 2_000_000_000  # ns: the time stamps of FAT and of some network file systems


def temporary(folder: bytes, rule_id: int) -> bytes:
    """Return the one temporary name that a rule uses in a folder."""
    return folder + b"/.mediasync-tmp-%d" % rule_id


def matches(path: bytes, how: str, content: str) -> bool | None:
    """Tell whether exactly this link stands there: True, False (something else does) or None (nothing does)."""
    try:
        if how == SYMLINK:
            return os.readlink(path) == to_bytes(content)
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in HOPELESS:
            return None if error.errno == errno.ENAMETOOLONG else False
        raise
    if not stat.S_ISREG(info.st_mode):
        return False
    if how == COPY:
        size, _, mtime_ns = content.partition(":")
        return info.st_size == int(size) and abs(info.st_mtime_ns - int(mtime_ns)) <= COARSE
    return info.st_size <= BODY_LIMIT and names.digest(_read(path)) == content


def _read(path: bytes) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(handle, "rb") as file:
        return file.read(BODY_LIMIT + 1)


def put(path: bytes, wanted: Wanted, source: bytes, temp: bytes) -> str:
    """Make the link, or put it in the place of what the caller found to be ours; return its content.

    The content of a copy is what was copied, which may be newer than the snapshot. Atomic: either the old or the new
    stands there.
    """
    remove_quietly(temp)
    if wanted.how == SYMLINK:
        os.symlink(to_bytes(wanted.content), temp)
        os.rename(temp, path)
        return wanted.content
    if wanted.how == COPY:
        return _copy(path, source, temp)
    with open(temp, "xb") as file:
        file.write(wanted.body)
    os.rename(temp, path)
    return wanted.content


def _copy(path: bytes, source: bytes, temp: bytes) -> str:
    with open(os.open(source, os.O_RDONLY | os.O_NONBLOCK), "rb") as origin, open(temp, "xb") as file:
        info = os.fstat(origin.fileno())
        shutil.copyfileobj(origin, file, 1 << 20)
    os.utime(temp, ns=(info.st_atime_ns, info.st_mtime_ns))
    size = os.lstat(temp).st_size
    os.rename(temp, path)
    return f"{size}:{info.st_mtime_ns}"


def remove_quietly(path: bytes) -> None:
    """Remove a file or link if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def prune(folder: bytes, rule_id: int) -> bool:
    """Remove a folder if it is empty; tell whether it is gone now."""
    try:
        remove_quietly(temporary(folder, rule_id))
        os.rmdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.EACCES, errno.EPERM):
            return False
        raise
    return True
