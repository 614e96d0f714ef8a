"""What ``lstat`` says of one name, as one light record: a folder has hundreds of thousands of them."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple


class Entry(NamedTuple):
    """One name. ``path`` is stored text below the data or cache folder; a link is never followed."""

    path: str
    kind: str  # file, link, folder, other (socket, device …: never touched)
    dev: int = 0
    ino: int = 0  # as 64 bits with a sign, as databases store it
    size: int = 0
    blocks: int = 0  # of 512 bytes
    mtime_ns: int = 0
    nlink: int = 1
    target: str = ""  # of a link, as it is written (stored text)


KINDS = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}


def signed(number: int) -> int:
    """Return an unsigned number of 64 bits as the one with a sign that has the same bits."""
    return number - (1 << 64) if number >= 1 << 63 else number


def of_stat(path: str, found: os.stat_result, target: str = "") -> Entry:
    """Return the entry for what ``lstat`` found."""
    return Entry(
        path,
        KINDS.get(stat.S_IFMT(found.st_mode), "other"),
        signed(found.st_dev),
        signed(found.st_ino),
        found.st_size,
        getattr(found, "st_blocks", (found.st_size + 511) // 512),
        found.st_mtime_ns,
        found.st_nlink,
        target,
    )


def same(one: Entry, two: Entry) -> bool:
    """Tell whether both are the same, unchanged thing; its path and number of names may differ."""
    return one[1:5] == two[1:5] and one.mtime_ns == two.mtime_ns and one.target == two.target
