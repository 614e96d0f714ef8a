"""What a value of the database may mean that is not written as Plex writes it: every file that it could be.

Never seen from Plex itself; but other programs write into its database, and a file in use must not go for a slash.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

KINDS = ("posters", "thumbs", "art", "banners", "themes", "clearLogos", "squareArt", "squareArts")
# As Plex writes it: nothing in it can be read in two ways.
USUAL = re.compile(
    rf"(?:metadata|upload)://(?:seasons/\d+/(?:episodes/[\w-]+/)?)?(?:{'|'.join(KINDS)})/"
    r"(?:seasons/\d+/(?:episodes/[\w-]+/)?)?(?:[\w.-]*\w_)?[0-9a-f]{40}\Z"
    r"|media://[0-9a-f]/[0-9a-f]{39}\.bundle/Contents/(?:Thumbnails|Art)/(?:thumb|art)\d+\.jpg\Z",
    re.ASCII,
)
NAMES = re.compile(r"(metadata|upload|media):/*", re.IGNORECASE)  # anywhere: "/library/…/file?url=upload://posters/…"
ROOTS = {"metadata": "Contents/_combined/", "upload": "Uploads/", "media": "localhost/"}
FOLDERS = {name.lower(): name for name in (*KINDS, "seasons", "episodes", "albums", "Contents", "Thumbnails", "Art")}
DIGEST = re.compile(r"(?:.*_)?[0-9A-Fa-f]{40}", re.DOTALL)


def text(value: Any) -> str:
    """Return what a column holds as text; Plex's columns have no type that SQLite would enforce."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else "" if value is None else str(value)


def is_local(value: Any) -> bool:
    """Tell whether a value may name a file of the data folder, and is not just a web address; cheap."""
    return bool(value) and (type(value) is not str or value[:4].lower() != "http" or "url=" in value)


def keys(value: str) -> Iterator[str]:
    """Yield the keys (``layout.key_of``) of all files that a value could mean, the plainest first."""
    found: dict[str, None] = {}
    for plain in dict.fromkeys((value, unquote(value), unquote(unquote(value)))):
        for match in NAMES.finditer(plain):
            scheme, rest = match[1].lower(), plain[match.end() :]
            for rel in (rest, rest.strip(), *re.findall(r"\A[^?#&]*", rest.strip())):
                found.update({f"{scheme}:{each}": None for each in _paths(scheme, rel)})
    yield from found


def _paths(scheme: str, rel: str) -> Iterator[str]:
    for way in (rel, rel.replace("\\", "/")):
        path = posixpath.normpath(f"/{way}").lstrip("/")
        if not path or "\0" in path:
            continue
        yield path
        yield (short := path.removeprefix(ROOTS[scheme]))
        yield (spelled := _spelled(scheme, short))
        above, slash, name = spelled.rpartition("/")
        yield f"{above}{slash}{name.lower()}"


def _spelled(scheme: str, path: str) -> str:
    """Return a path as Plex spells it, where only capitals differ: some file systems do not tell them apart."""
    *folders, name = path.split("/")
    if scheme == "media":
        spelled = [FOLDERS.get(each.lower(), each.lower()) for each in folders]
        return "/".join((*spelled, name.lower()))
    spelled = [FOLDERS.get(each.lower(), each) for each in folders]
    if DIGEST.fullmatch(name):
        agent, _, digest = name.rpartition("_")
        name = f"{agent}_{digest.lower()}" if agent else digest.lower()
    return "/".join((*spelled, name))
