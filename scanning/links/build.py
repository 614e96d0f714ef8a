"""Make many folders with the links in them. Plain Python, no Django: it also runs as a child process (builder.py).

A child makes links faster than a thread, which after each call of the system waits for its turn again.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys
from collections.abc import Callable, Sequence
from typing import BinaryIO

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from mediasync.core.paths import to_bytes

HOPELESS = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)  # this name cannot be there, others can

Folder = tuple[str, list[str]]  # path below the target, and name, content, name, content …
Unmade = dict[int, str]  # number of a folder → "there" (something else was faster) or "too_long"
Lost = dict[int, list[str]]  # number of a folder that was made → names that were taken or cannot be


def make(top: bytes, folders: Sequence[Folder], go_on: Callable[[], bool] = lambda: True) -> tuple[Unmade, Lost]:
    """Make each folder, those above first, and its symbolic links; OSError if the target cannot be written.

    A folder that is not made gets no links. ``go_on()`` false ends it between two folders.
    """
    unmade: Unmade = {}
    lost: Lost = {}
    symlink = os.symlink
    for number, (path, links) in enumerate(folders):
        if not go_on():
            break
        folder = top + b"/" + to_bytes(path) if path else top
        if why := _make_folder(folder, deep=not path):
            unmade[number] = why
            continue
        base = folder + b"/"
        pairs = iter(links)
        for name, content in zip(pairs, pairs, strict=True):
            try:
                symlink(to_bytes(content), base + to_bytes(name))
            except OSError as error:
                if error.errno != errno.EEXIST and error.errno not in HOPELESS:
                    raise
                lost.setdefault(number, []).append(name)
    return unmade, lost


def _make_folder(folder: bytes, *, deep: bool) -> str:
    """Make one folder (with those above it if ``deep``); return why it was not made."""
    try:
        if deep:
            os.makedirs(folder)
        else:
            os.mkdir(folder)
    except FileExistsError:
        return "there"
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return "too_long"
    return ""


def serve(inlet: BinaryIO, outlet: BinaryIO) -> None:
    """Do tasks (the target, folders) until the inlet ends, or whoever gave them has died."""
    parent = os.getppid()
    while True:
        try:
            top, folders = marshal.load(inlet)
        except EOFError:
            return
        answer: tuple[object, ...]
        try:
            answer = (0, *make(top, folders, lambda: os.getppid() == parent))
        except OSError as error:
            answer = (error.errno or errno.EIO, error.strerror or str(error), {})
        marshal.dump(answer, outlet)
        outlet.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)
