"""Where in a bundle the pictures stand, which the older and the newer agents of Plex keep there.

Only names of a known form in folders of a known name are ever taken for pictures: all else is not ours to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ..plexdata import layout
from ..plexdata.entries import Entry
from ..plexdata.walk import Bundle

KINDS = "posters|thumbs|art|banners|themes|clearLogos|squareArts?"
BELOW = r"(?:seasons/-?\d+/(?:episodes/[^/]+/)?|albums/[^/]+/)?"
# ``_custom`` and other names with an underscore are the framework's own and stay.
IMAGES = re.compile(rf"Contents/(?:_combined|_stored|[^_./][^/]*)/(?:{BELOW})(?P<kind>{KINDS})")
UPLOADS = re.compile(rf"Uploads/(?P<kind>{KINDS})(?:/seasons/-?\d+(?:/episodes/[^/]+)?)?")
NAME = re.compile(r"(?:[^.].*_)?[0-9a-f]{40}")  # <agent>_<sha1>, or <sha1>; a dot begins what is still being written
ROOTS = ("Contents", layout.UPLOADS)
THEMES = "themes"


class Shelf(NamedTuple):
    """A folder of pictures: ``kind`` is the name of the folder, ``key`` begins the key of what stands in it."""

    upload: bool
    kind: str
    key: str


class Picture(NamedTuple):
    """One name on a shelf; ``key`` is what a column calls it (``layout.key_of``)."""

    entry: Entry
    rel: str
    key: str
    shelf: Shelf


@dataclass(slots=True)
class Names:
    """All names of one bundle."""

    pictures: list[Picture] = field(default_factory=list)
    keys: dict[str, list[Picture]] = field(default_factory=dict)  # of ``pictures``
    links: list[tuple[Entry, str]] = field(default_factory=list)  # that are no pictures, with their path
    folders: dict[str, Entry] = field(default_factory=dict)
    others: list[tuple[Entry, str]] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)  # folder → names in it


@lru_cache(maxsize=4096)
def shelf_of(folder: str) -> Shelf | None:
    """Return the shelf that a folder of a bundle is, None for other folders."""
    if found := IMAGES.fullmatch(folder):
        key = layout.key_of(f"{folder}/\0")[:-1]
        return Shelf(False, found["kind"], key)
    if found := UPLOADS.fullmatch(folder):
        return Shelf(True, found["kind"], layout.key_of(f"{folder}/\0")[:-1])
    return None


def sort(bundle: Bundle) -> Names:
    """Put all names of a bundle where they belong."""
    names = Names()
    held = names.held
    held.update(bundle.spared)
    cut = len(bundle.path) + 1
    fits = NAME.fullmatch
    for entry in bundle.entries:
        rel = entry.path[cut:]
        kind = entry.kind
        folder, _, name = rel.rpartition("/")
        held[folder] = held.get(folder, 0) + 1
        if kind == "folder":
            names.folders[rel] = entry
            continue
        shelf = shelf_of(folder)
        if shelf is not None and kind != "other" and fits(name):
            picture = Picture(entry, rel, shelf.key + name, shelf)
            names.pictures.append(picture)
            names.keys.setdefault(picture.key, []).append(picture)
        elif kind == "link":
            names.links.append((entry, rel))
        else:
            names.others.append((entry, rel))
    return names


def count(bundle: Bundle) -> Names:
    """Return only ``folders`` and ``held`` of a bundle: all that is asked of one of Media."""
    names = Names(held=dict(bundle.spared))
    held, folders, cut = names.held, names.folders, len(bundle.path) + 1
    for entry in bundle.entries:
        rel = entry.path[cut:]
        folder = rel.rpartition("/")[0]
        held[folder] = held.get(folder, 0) + 1
        if entry.kind == "folder":
            folders[rel] = entry
    return names


def all_links(names: Names) -> Iterator[tuple[Entry, str]]:
    """Yield all links of a bundle with their paths, pictures or not."""
    yield from names.links
    yield from ((each.entry, each.rel) for each in names.pictures if each.entry.kind == "link")
