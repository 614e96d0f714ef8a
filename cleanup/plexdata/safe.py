"""Every act on the data folder: by open folders only, no link followed, nothing outside the root, nothing overwritten.

A path is relative stored text without empty pieces, ``.`` or ``..``. Its folders are opened piece by piece with
O_NOFOLLOW, so whoever swaps one for a link meanwhile gets an error (OSError: ELOOP or ENOTDIR), not our help.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from types import TracebackType
from typing import Any, Self

from mediasync.core import paths

from . import layout
from .entries import Entry, of_stat

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NO_NAMES = ("", ".", "..")
NOREPLACE = 1  # RENAME_NOREPLACE of renameat2(2)
UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)  # what kernels and file systems without it say


class Root:
    """An open folder below which things are looked at, moved and removed. Use it in a ``with``.

    ``path`` is absolute stored text; it is resolved once, here. The last folder used stays open with those above it
    until another one is wanted or a folder was changed, as rows come sorted by path.
    """

    def __init__(self, path: str) -> None:
        self.path = paths.to_text(os.path.realpath(paths.to_bytes(path)))
        self.fd = os.open(paths.to_bytes(self.path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._kept: list[tuple[bytes, int]] = []  # the way to the last folder: name and descriptor of each
        self._where = ""  # its path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all that is open."""
        self.forget()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def forget(self, keep: int = 0) -> None:
        """Close the folders that were kept open, but the first ``keep``: the next act looks for them anew."""
        self._where = ""
        while len(self._kept) > keep:
            os.close(self._kept.pop()[1])

    # -- Looking

    def lstat(self, rel: str) -> Entry | None:
        """Return what lies at ``rel``, None if nothing does; another OSError is raised."""
        try:
            above, name = self._above(rel)
            found = os.stat(name, dir_fd=above, follow_symlinks=False)
            target = os.readlink(name, dir_fd=above) if stat.S_ISLNK(found.st_mode) else b""
        except FileNotFoundError:
            return None
        return of_stat(rel, found, paths.to_text(target))

    def names(self, rel: str = "") -> list[str]:
        """Return the names in the folder ``rel`` (stored text, sorted)."""
        fd = self.open_folder(rel)
        try:
            return sorted(paths.to_text(os.fsencode(name)) for name in os.listdir(fd))
        finally:
            os.close(fd)

    def open_folder(self, rel: str = "") -> int:
        """Open the folder ``rel``; the caller closes it."""
        if not rel:
            return os.dup(self.fd)
        above, name = self._above(rel)
        return os.open(name, FOLDER, dir_fd=above)

    def open_file(self, rel: str) -> int:
        """Open the regular file ``rel`` for reading; the caller closes it. A pipe is not waited for."""
        above, name = self._above(rel)
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=above)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), rel)
        return fd

    # -- Changing

    def rename(self, rel: str, other: Root, to: str) -> None:
        """Move ``rel`` to ``to`` of ``other`` (its folder must exist); FileExistsError rather than replace anything.

        OSError with EXDEV means another file system. A link is moved itself.
        """
        above, name = self._above(rel)
        own = os.dup(above) if other is self else -1  # finding the one folder may close the other
        try:
            there, new = other._above(to)
            _rename(above if own < 0 else own, name, there, new)
        finally:
            if own >= 0:
                os.close(own)
        self._forget_below(rel)

    def unlink(self, rel: str) -> None:
        """Remove a file or a link (the link itself)."""
        above, name = self._above(rel)
        os.unlink(name, dir_fd=above)

    def rmdir(self, rel: str) -> None:
        """Remove an empty folder; OSError with ENOTEMPTY if it is not."""
        above, name = self._above(rel)
        os.rmdir(name, dir_fd=above)
        self._forget_below(rel)

    def makedirs(self, rel: str, mode: int = 0o700) -> None:
        """Make the folder ``rel`` and those above it, as far as they are missing."""
        fd = os.dup(self.fd)
        try:
            for name in self._pieces(rel):
                try:
                    inner = os.open(name, FOLDER, dir_fd=fd)
                except FileNotFoundError:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, mode, dir_fd=fd)
                    inner = os.open(name, FOLDER, dir_fd=fd)
                os.close(fd)
                fd = inner
        finally:
            os.close(fd)

    def create(self, rel: str, mode: int = 0o600) -> int:
        """Make the file ``rel`` and return it open for writing; FileExistsError if something is there."""
        above, name = self._above(rel)
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=above)

    def symlink(self, target: str, rel: str) -> None:
        """Make the link ``rel`` with exactly this target (stored text)."""
        above, name = self._above(rel)
        os.symlink(paths.to_bytes(target), name, dir_fd=above)

    def sync(self, rel: str = "") -> None:
        """Wait until the names of the folder ``rel`` are on the disk; file systems that cannot are left alone."""
        fd = self.open_folder(rel)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in UNKNOWN:
                raise
        finally:
            os.close(fd)

    # -- How

    def _forget_below(self, rel: str) -> None:
        if not self._where or paths.is_within(self._where, rel):  # "": the way to a folder that was not found
            self.forget()

    def _pieces(self, rel: str) -> list[bytes]:
        if not layout.is_clean(rel):
            raise ValueError(f"not a relative path: {paths.for_people(rel)!r}")
        return paths.to_bytes(rel).split(b"/")

    def _above(self, rel: str) -> tuple[int, bytes]:
        """Return the open folder that holds ``rel``, and its name there."""
        where, _slash, name = rel.rpartition("/")
        if where and where == self._where and name not in NO_NAMES and "\0" not in name:
            return self._kept[-1][1], paths.to_bytes(name)  # the way there was looked at when it was opened
        pieces = self._pieces(rel)
        if not where:
            return self.fd, pieces[-1]
        self._go(pieces[:-1])
        self._where = where
        return self._kept[-1][1], pieces[-1]

    def _go(self, pieces: list[bytes]) -> None:
        """Open the folder ``pieces``, from where its way and that to the last folder part."""
        same = 0
        for (name, _fd), piece in zip(self._kept, pieces, strict=False):
            if name != piece:
                break
            same += 1
        self.forget(same)
        for piece in pieces[same:]:
            fd = os.open(piece, FOLDER, dir_fd=self._kept[-1][1] if self._kept else self.fd)
            self._kept.append((piece, fd))


def _rename(above: int, name: bytes, there: int, new: bytes) -> None:
    if _renameat2 is not None:
        if _renameat2(above, name, there, new, NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        if code not in UNKNOWN:
            raise OSError(code, os.strerror(code), os.fsdecode(name), None, os.fsdecode(new))
    try:
        os.stat(new, dir_fd=there, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(name, new, src_dir_fd=above, dst_dir_fd=there)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(new))


def _find_renameat2() -> Any:
    """Return the function of the C library, None where it has none (macOS, old musl)."""
    try:
        found = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    found.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    found.restype = ctypes.c_int
    return found


_renameat2 = _find_renameat2()
