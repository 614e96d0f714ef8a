"""The pictures in Plex's cache: two hex digits, forty hex digits, and an ending of pictures. All else is foreign."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from mediasync.core import paths

from .plexdata.entries import Entry, of_stat

FOLDER = re.compile(r"[0-9a-f]{2}")
PICTURE = re.compile(r"[0-9a-f]{40}\.(?:jpg|jpeg|png|ppm)")
FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def pictures(cache: str) -> Iterator[tuple[Entry, int]]:
    """Yield each cached picture, its path below ``cache`` (absolute stored text), and when it was last used (ns).

    Nothing is followed; what cannot be opened, or is gone meanwhile, is left out.
    """
    try:
        top = os.open(paths.to_bytes(cache), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for name in sorted(os.listdir(top)):
            if FOLDER.fullmatch(name):
                yield from _folder(top, name)
    finally:
        os.close(top)


def _folder(top: int, name: str) -> Iterator[tuple[Entry, int]]:
    try:
        fd = os.open(name, FLAGS, dir_fd=top)
    except OSError:
        return
    try:
        with os.scandir(fd) as listing:
            for each in listing:
                if PICTURE.fullmatch(each.name) and each.is_file(follow_symlinks=False):
                    try:
                        found = each.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    yield of_stat(f"{name}/{each.name}", found), max(found.st_atime_ns, found.st_mtime_ns)
    finally:
        os.close(fd)
