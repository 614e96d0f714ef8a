"""What the name and the folders of a file say of a song, for places that know no tags."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote, urlsplit

EXTENSIONS = frozenset(
    "mp3 flac m4a aac ogg oga opus wav aiff aif wma ape wv dsf tta alac".split()
)  # of files that may be songs
_NUMBER = re.compile(r"^\s*(?:\d{1,2}[-.])?\d{1,3}\s*[-._)、]?\s+(?=\S)|^\s*\d{1,3}[-._)、]\s*(?=\S)")
_MARK = re.compile(r"\s*\[(?:\d+k|lossless|hires|[0-9a-f]{8}|\d+k? \d+.*)\]$")  # our own, of layout.py


def is_song(path: str) -> bool:
    """Tell by its extension whether a file may be a song."""
    return ext_of(path) in EXTENSIONS and not posixpath.basename(path).startswith(".")


def ext_of(path: str) -> str:
    """Return the extension in lower case, without its dot."""
    return posixpath.splitext(path)[1][1:].lower()


def guess(path: str) -> tuple[str, tuple[str, ...], str]:
    """Return (title, artists, album) of ``Artist/Album/01 - Title.mp3``, ``Artist - Title.mp3`` and the like."""
    folders, _slash, name = path.strip("/").rpartition("/")
    parts = [part for part in folders.split("/") if part]
    stem = _MARK.sub("", posixpath.splitext(name)[0].strip())
    stem = (_NUMBER.sub("", stem, count=1) or stem).replace("_", " ").strip()
    album = parts[-1] if len(parts) > 1 else ""
    artist, dash, title = (part.strip() for part in stem.partition(" - "))
    if dash and artist and title:
        return title, (artist,), album
    above = parts[-2] if len(parts) > 1 else parts[-1] if parts else ""
    return stem, (above,) if above else (), album


def path_of_url(url: str) -> str:
    """Return the path of an address as people write it."""
    return unquote(urlsplit(url).path)
