"""Where things lie after they were put away and before they are deleted for good, and the way there and back.

``<quarantine folder>/<run>/`` holds the manifest and ``data/`` and ``cache/``. In these, a path keeps its first three
folders ("Metadata/Movies/a"); the rest of it becomes one name, each ``/`` as ``%2F``: making all its folders again
would cost ten times what moving the files does. A bundle that is put away whole has its own name there anyway.
"""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath

from mediasync.core import paths

from . import quarantine_copy
from .plexdata.entries import Entry
from .plexdata.safe import Root

FOLDER = "mediasync-quarantine"
KEPT = 3  # folders of a path that are folders in the quarantine, too
LONGEST = 255  # bytes of a name, on every file system that Plex runs on
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def place(base: str, path: str) -> str:
    """Return where ``path`` of ``base`` ("data" or "cache") lies below the run's quarantine; no two share a place."""
    *folders, rest = path.split("/", KEPT)
    name = rest.replace("%", "%25").replace("/", "%2F")
    if len(name) > LONGEST or not name.isascii():
        name = _short(name, path)
    return "/".join((base, *folders, name))


def _short(name: str, path: str) -> str:
    if len(paths.to_bytes(name)) <= LONGEST:
        return name
    return "%long-" + hashlib.sha1(paths.to_bytes(path), usedforsecurity=False).hexdigest()


class Quarantine:
    """The open quarantine of one run; ``root`` is its folder, which the caller closes."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self._made: set[str] = set()

    def lies(self, base: str, path: str) -> Entry | None:
        """Return what lies in the quarantine for a path, None if nothing does."""
        try:
            return self.root.lstat(place(base, path))
        except NotADirectoryError:
            return None

    def put_away(self, source: Root, path: str, entry: Entry, to: str) -> str:
        """Move ``path`` of ``source`` to its place here; return the SHA-1 of its content if it was copied, else "".

        FileExistsError if something lies in its place already, and whatever the system says of a move or a copy.
        """
        self._make(to.rpartition("/")[0])
        try:
            source.rename(path, self.root, to)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return quarantine_copy.move(source, path, entry, self.root, to)
        return ""

    def bring_back(self, source: Root, base: str, path: str) -> None:
        """Move what lies here for ``path`` back to it, making the folders that lack; nothing there is replaced."""
        to = place(base, path)
        above = posixpath.dirname(path)
        if above:
            source.makedirs(above, 0o755)
        found = self.root.lstat(to)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), to)
        try:
            self.root.rename(to, source, path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            quarantine_copy.move(self.root, to, found, source, path)

    def sha1(self, base: str, path: str) -> str:
        """Return the digest of the file that lies here for ``path``."""
        return quarantine_copy.digest(self.root, place(base, path))

    def inside(self, base: str, path: str) -> list[str]:
        """Return the old paths of all files and links in what lies here for ``path``."""
        to = place(base, path)
        try:
            return [
                path + each.path[len(to) :] for each in quarantine_copy.walk(self.root, to) if each.kind != "folder"
            ]
        except NotADirectoryError:
            return []

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            self.root.makedirs(folder)
            self._made.add(folder)
