"""The bundles of one prefix folder and all that lies in them, as ``lstat`` tells: no link is followed.

Folders are opened relative to the one above (O_NOFOLLOW), so that nothing can be put in between.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mediasync.core import paths

from . import layout
from .entries import Entry, of_stat, signed
from .places import Data

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DEEPEST = 40  # folders below a bundle; Plex uses seven
# Folders of a bundle of Media, of which no file ever goes as long as a part has its hash: such files are only counted.
SPARED = frozenset(f"/Contents/{name}" for name in ("Chapters", "Indexes", "Subtitles", "Subtitle Contributions"))

MOUNTS = Path("/proc/self/mountinfo")
ESCAPED = re.compile(rb"\\([0-7]{3})")

Foreign = Callable[[str, str], None]
"""Called with a path and why it is not looked at: ``name``, ``link``, ``kind``, ``mount``, ``deep``, ``unreadable``."""
Known = Callable[[str], bool]
"""Whether a part has this hash, so that the files in the ``SPARED`` folders of its bundle surely stay."""


@dataclass(slots=True)
class Bundle:
    """A bundle with all below it, the folder above its content first. ``path`` is below the data folder."""

    hash: str
    path: str
    entries: list[Entry] = field(default_factory=list)
    complete: bool = True  # False: something in it could not be read, so nothing is known of it as a whole
    spared: dict[str, int] = field(default_factory=dict)  # folder below the bundle → files in it that are no entries
    spared_blocks: int = 0  # of those files; one with several names counts in parts

    def rel(self, entry: Entry) -> str:
        """Return the path of an entry below the bundle."""
        return entry.path[len(self.path) + 1 :]


def mounts_below(place: str, table: Path = MOUNTS) -> list[str]:
    """Return the places below a folder (absolute, resolved; stored text) where something is mounted.

    A folder of the same disk that is mounted again (``mount --bind``) has the same device number as all around it.
    """
    try:
        lines = table.read_bytes().splitlines()
    except OSError:  # no Linux
        return []
    found = [ESCAPED.sub(lambda each: bytes([int(each[1], 8)]), line.split(b" ")[4]) for line in lines]
    return [text for text in map(paths.to_text, found) if text.startswith(f"{place}/")]


def ignore(_path: str, _why: str) -> None:
    """Take no note of foreign names."""


def type_folders(data: Data) -> list[str]:
    """Return the types of Metadata that are there, as ``layout.TYPES`` names them."""
    return [name for name in layout.TYPES if _is_folder(f"{data.metadata}/{name}")]


def prefixes(data: Data, part: str, folder: str = "", foreign: Foreign = ignore) -> list[str]:
    """Return the prefix folders of a part (and type) that are there; all other names go to ``foreign``."""
    base = f"{part}/{folder}".rstrip("/")
    found: list[str] = []
    try:
        fd = _open_below(data.root, base)
    except OSError:
        return []
    with os.scandir(fd) as listing:
        for each in listing:
            fits = layout.PREFIX.match(each.name) and each.is_dir(follow_symlinks=False)
            found.append(each.name) if fits else foreign(f"{base}/{_text(each.name)}", _why(each, layout.PREFIX))
    os.close(fd)
    return sorted(found)


def hashes(data: Data, part: str, folder: str, prefix: str) -> list[str]:
    """Return what the bundles of one prefix folder are named by, none where it cannot be read: ``bundles`` says why."""
    try:
        fd = _open_below(data.root, f"{part}/{folder}/{prefix}" if folder else f"{part}/{prefix}")
    except OSError:
        return []
    try:
        return [prefix + name[:39] for name in os.listdir(fd) if layout.BUNDLE.match(name)]
    finally:
        os.close(fd)


def bundles(
    data: Data, part: str, folder: str, prefix: str, foreign: Foreign = ignore, known: Known | None = None
) -> Iterator[Bundle]:
    """Yield the bundles of one prefix folder, in the order of the file system.

    ``part`` is layout.METADATA (with the type's ``folder``) or layout.MEDIA (with ""). A prefix folder that is gone, or
    that is a link by now, has no bundles. With ``known``, plain files of ``SPARED`` folders are counted, not listed.
    Raises ValueError for what is no part, type or prefix, OSError for a prefix folder that cannot be read.
    """
    if not layout.PREFIX.match(prefix) or (part == layout.METADATA) != (folder in layout.TYPES):
        raise ValueError(f"not a prefix folder: {part}, {folder}, {prefix}")
    base = f"{part}/{folder}/{prefix}" if folder else f"{part}/{prefix}"
    try:
        fd = _open_below(data.root, base)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        foreign(base, "link")
        return
    mounted = mounts_below(f"{data.root}/{base}")
    try:
        device = os.fstat(fd).st_dev
        with os.scandir(fd) as listing:
            for each in listing:
                path = f"{base}/{_text(each.name)}"
                if layout.BUNDLE.match(each.name) and each.is_dir(follow_symlinks=False):
                    bundle = Bundle(prefix + each.name[:39], path)
                    spared = SPARED if part == layout.MEDIA and known and known(bundle.hash) else frozenset[str]()
                    _fill(fd, each.name, bundle, device, foreign, spared)
                    if any(f"{place}/".startswith(f"{data.root}/{path}/") for place in mounted):
                        bundle.complete = False
                        foreign(path, "mount")
                    yield bundle
                else:
                    foreign(path, _why(each, layout.BUNDLE))
    finally:
        os.close(fd)


def _fill(
    above: int, name: str, bundle: Bundle, device: int, foreign: Foreign, spared: frozenset[str] = frozenset()
) -> None:
    """Walk one bundle, deepest first on a stack of open folders' names; ``above`` is the open prefix folder."""
    try:
        top = os.open(name, FOLDER, dir_fd=above)
    except OSError:
        bundle.complete = False
        foreign(bundle.path, "unreadable")
        return
    try:
        _folder(top, bundle.path, bundle, device, foreign, 0, spared)
    finally:
        os.close(top)


def _folder(
    fd: int, path: str, bundle: Bundle, device: int, foreign: Foreign, depth: int, spared: frozenset[str]
) -> None:
    add, new = bundle.entries.append, tuple.__new__
    below: list[tuple[str, str]] = []
    counted = depth == 2 and path[len(bundle.path) :] in spared
    number = blocks = 0
    with os.scandir(fd) as listing:
        for each in listing:
            name = each.name
            try:
                found = each.stat(follow_symlinks=False)
            except OSError:  # gone since it was listed, or a disk that fails
                bundle.complete = False
                continue
            if counted and each.is_file(follow_symlinks=False):
                number += 1
                blocks += found.st_blocks // (found.st_nlink or 1)
                continue
            child = f"{path}/{name}" if name.isascii() else f"{path}/{_text(name)}"
            if each.is_file(follow_symlinks=False):
                kind = "file"
            elif each.is_dir(follow_symlinks=False):
                kind = "folder"
            else:
                _other(fd, each, child, found, bundle, foreign)
                continue
            dev, ino = found.st_dev, found.st_ino
            facts = (
                child,
                kind,
                dev if dev < 1 << 63 else signed(dev),
                ino if ino < 1 << 63 else signed(ino),
                found.st_size,
                found.st_blocks,
                found.st_mtime_ns,
                found.st_nlink,
                "",
            )
            add(new(Entry, facts))  # a tenth of the walk faster than to call it
            if kind == "file":
                continue
            if dev != device:
                bundle.complete = False
                foreign(child, "mount")
            elif depth >= DEEPEST:
                bundle.complete = False
                foreign(child, "deep")
            else:
                below.append((name, child))
    if number:
        bundle.spared[path[len(bundle.path) + 1 :]] = number
        bundle.spared_blocks += blocks
    for name, child in below:
        try:
            inner = os.open(name, FOLDER, dir_fd=fd)
        except OSError:
            bundle.complete = False
            foreign(child, "unreadable")
            continue
        try:
            _folder(inner, child, bundle, device, foreign, depth + 1, spared)
        finally:
            os.close(inner)


def _other(
    fd: int, each: os.DirEntry[str], child: str, found: os.stat_result, bundle: Bundle, foreign: Foreign
) -> None:
    """Note a link, or what is neither a file nor a folder."""
    if not each.is_symlink():
        bundle.entries.append(of_stat(child, found))
        foreign(child, "kind")
        return
    try:
        target = os.readlink(each.name, dir_fd=fd)
    except OSError:
        bundle.complete = False
        return
    bundle.entries.append(of_stat(child, found, _text(target)))


def _open_below(root: str, below: str) -> int:
    """Open ``below`` of ``root`` piece by piece, no link among them."""
    fd = os.open(paths.to_bytes(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for piece in below.split("/"):
        try:
            inner = os.open(paths.to_bytes(piece), FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd


def _is_folder(path: str) -> bool:
    name = paths.to_bytes(path)
    return os.path.isdir(name) and not os.path.islink(name)


def _why(each: os.DirEntry[str], pattern: re.Pattern[str]) -> str:
    if each.is_symlink():
        return "link"
    return "kind" if pattern.match(each.name) else "name"


def _text(name: str) -> str:
    return name if name.isascii() else paths.to_text(os.fsencode(name))
