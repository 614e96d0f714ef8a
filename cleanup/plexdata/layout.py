"""How Plex lays its data folder out: types, bundles, and which file a value of the database means.

A bundle is named by 40 hex digits: the first is its *prefix* folder, the other 39 its own name before ``.bundle``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from . import meaning

METADATA = "Metadata"
MEDIA = "Media/localhost"
UPLOADS = "Uploads"
COMBINED = "Contents/_combined"
PREFIXES = "0123456789abcdef"
PREFIX = re.compile(r"[0-9a-f]\Z")  # with ``match``, as \Z and match leave no room before or after
BUNDLE = re.compile(r"[0-9a-f]{39}\.bundle\Z")
HASH = re.compile(r"[0-9a-f]{40}\Z")
CLEAN = re.compile(r"(?!\.\.?(?:/|\Z))[^/\0]+(?:/(?!\.\.?(?:/|\Z))[^/\0]+)*", re.DOTALL)  # pieces that are names

# Folder below Metadata → the types of the items whose own bundles lie in it (metadata_items.metadata_type).
TYPES: dict[str, tuple[int, ...]] = {
    "Movies": (1, 12),  # films; extras and clips
    "TV Shows": (2, 3, 4),  # seasons and episodes keep their images in the bundle of the show
    "Artists": (8,),
    "Albums": (9, 10),
    "Photos": (13, 14),
    "Playlists": (15,),
    "Collections": (18,),
}
FOLDER_OF = {number: folder for folder, numbers in TYPES.items() for number in numbers}


class Ref(NamedTuple):
    """What a column says. ``scheme``: metadata, upload, media, http, empty, other; ``rel`` what stands after it."""

    scheme: str
    rel: str = ""


class Place(NamedTuple):
    """Where a path of the data folder lies: in which bundle, and where in it (``rel`` is "" for the bundle itself)."""

    part: str  # METADATA or MEDIA
    folder: str  # of the type; "" for media
    bundle: str  # its 40 digits
    rel: str


def parse(value: str | None) -> Ref:
    """Return what the value of a ``*_url`` column means; a relative path that climbs or is no path is "other"."""
    if not value:
        return Ref("empty")
    if type(value) is not str:
        value = meaning.text(value)
    scheme, separator, rel = value.partition("://")
    scheme = scheme.lower()
    if separator and scheme in ("http", "https"):
        return Ref("http", value)
    if not separator or scheme not in ("metadata", "upload", "media") or not is_clean(rel):
        return Ref("other", value)
    return Ref(scheme, rel)


def is_clean(rel: str) -> bool:
    """Tell whether every piece of a relative path is a name (neither empty nor ``.`` nor ``..``, and no NUL)."""
    return CLEAN.fullmatch(rel) is not None


def keys(value: Any) -> Iterator[str]:
    """Yield ``metadata:…`` and ``upload:…`` keys, or ``media:…``, of all files that a value keeps alive.

    Plex writes values in one way only. Of those written otherwise each way to read them counts: a file too many stays.
    """
    text = value if type(value) is str else meaning.text(value)
    if meaning.USUAL.match(text):
        yield text.replace("://", ":", 1)
    else:
        yield from meaning.keys(text)


def key_of(rel: str) -> str:
    """Return the key by which the database would name the file ``rel`` of a metadata bundle, "" if it cannot.

    ``_combined`` holds links to ``_stored`` and to the agents' folders, named ``<agent>_<name>``, so all three have the
    key of the link (on Windows they are names of one file).
    """
    head, _, rest = rel.partition("/")
    if head == UPLOADS:
        return f"upload:{rest}" if rest else ""
    if head != "Contents":
        return ""
    source, _, below = rest.partition("/")
    if not below:
        return ""
    if source in ("_combined", "_stored"):
        return f"metadata:{below}"
    where, name = posixpath.split(below)
    return f"metadata:{where}/{source}_{name}" if where else ""


def bundle_path(part: str, folder: str, bundle: str) -> str:
    """Return the path of a bundle below the data folder; ValueError for what is not a known type or 40 digits."""
    if not HASH.match(bundle) or (part == METADATA) != (folder in TYPES) or part not in (METADATA, MEDIA):
        raise ValueError(f"not a bundle: {part}, {folder}, {bundle}")
    return posixpath.join(part, folder, bundle[0], f"{bundle[1:]}.bundle")


def place_of(path: str) -> Place | None:
    """Return where a path below the data folder lies, None if that is in no bundle; every piece is checked."""
    where, _slash, name = path.rpartition("/")
    above = _place_of(where)
    if above is None:
        return _place_of(path)  # a bundle itself, or nothing of one
    if name in ("", ".", "..") or "\0" in name:
        return None
    return Place(above.part, above.folder, above.bundle, f"{above.rel}/{name}" if above.rel else name)


@lru_cache(maxsize=8192)  # the same for all files of a folder, and asked several times for each
def _place_of(path: str) -> Place | None:
    if not is_clean(path):
        return None
    pieces = path.split("/")
    if pieces[0] == METADATA and len(pieces) > 3 and pieces[1] in TYPES:
        folder = pieces[1]
    elif pieces[:2] == MEDIA.split("/") and len(pieces) > 3:
        folder = ""
    else:
        return None
    prefix, name = pieces[2:4]
    if not PREFIX.match(prefix) or not BUNDLE.match(name):
        return None
    return Place(METADATA if folder else MEDIA, folder, prefix + name.removesuffix(".bundle"), "/".join(pieces[4:]))


def media_path(path: str) -> str:
    """Return what stands after ``media://`` for a path below the data folder, "" if it does not lie in Media."""
    return path.removeprefix(f"{MEDIA}/") if path.startswith(f"{MEDIA}/") else ""


def link_target(rel: str, target: str) -> str:
    """Return where a link ``rel`` of a bundle leads inside the bundle, "" if it leads out of it."""
    folder, rest = rel.rpartition("/")[0], target
    while rest.startswith("../") and folder:  # what Plex writes, in a third of the time of the general way
        folder, rest = folder.rpartition("/")[0], rest[3:]
    if is_clean(rest):
        return f"{folder}/{rest}" if folder else rest
    found = posixpath.normpath(posixpath.join(posixpath.dirname(rel), target))
    return "" if target.startswith("/") or found == ".." or found.startswith("../") else found


def agent_and_digest(name: str) -> tuple[str, str]:
    """Return the agent and the digest of ``<agent>_<sha1>``: what stands around the last ``_``; ("", name) without."""
    agent, _, digest = name.rpartition("_")
    return agent, digest
