"""Where a selected picture came from: the address, and the proof that it is the one.

Plex names a file ``<agent>_<sha1 of its address>``, so an address found anywhere can be proven to belong to a file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import apsw

from . import infoxml, layout
from .database import Schema, failed
from .index import Item
from .safe import Root

KEPT = 64  # XML files of which the content is remembered: those of one show at most


class Source(NamedTuple):
    """An address. ``proven``: its digest is the one in the name of the file."""

    url: str
    source: str  # taggings, info_xml
    proven: bool


class Sources:
    """Answers for the items of one snapshot and the files of one data folder (``root``, open)."""

    def __init__(self, con: apsw.Connection, schema: Schema, root: Root) -> None:
        self._con, self._root = con, root
        self._tagged = schema.has("taggings", "metadata_item_id", "text", "thumb_url")
        self._xml: dict[str, list[infoxml.Image]] = {}

    def of(self, bundle: str, item: Item, value: str) -> Source | None:
        """Return the address of the picture that ``value`` (``metadata://…``) of an item selects.

        ``bundle``: the path of the bundle, below the data folder, in which its file lies. A proven address is taken
        before any other, taggings before XML. None: nobody tells it (uploads, pictures embedded in music …).
        """
        ref = layout.parse(value)
        name = ref.rel.rpartition("/")[2]
        agent, digest = layout.agent_and_digest(name)
        if ref.scheme != "metadata" or not agent:
            return None
        best: Source | None = None
        for url, source in self._offers(bundle, item, value, ref.rel, agent, digest):
            if not is_web(url):
                continue
            if proves(url, digest):
                return Source(url, source, True)
            best = best or Source(url, source, False)
        return best

    def _offers(
        self, bundle: str, item: Item, value: str, rel: str, agent: str, digest: str
    ) -> Iterator[tuple[str, str]]:
        if self._tagged:
            query = "SELECT text FROM taggings WHERE metadata_item_id IN (?, ?) AND thumb_url = ? ORDER BY id"
            try:
                rows = self._con.execute(query, (item.id, item.parent, value)).fetchall()
            except apsw.Error as error:
                raise failed(error) from None
            yield from ((str(text), "taggings") for (text,) in rows if text)
        xml, attribute, name = infoxml.describing(rel)
        for folder, wanted in (("_combined", name), (agent, digest)):
            for image in self._read(f"{bundle}/Contents/{folder}/{xml}"):
                if image.attribute == attribute and image.name == wanted and image.url:
                    yield image.url, "info_xml"

    def _read(self, path: str) -> list[infoxml.Image]:
        """Return what one XML offers; nothing where it is missing, or broken: then nothing is known of it."""
        if path not in self._xml:
            if len(self._xml) >= KEPT:
                self._xml.clear()
            try:
                with os.fdopen(self._root.open_file(path), "rb") as file:
                    self._xml[path] = infoxml.parse(file.read(infoxml.MOST + 1))
            except (OSError, ValueError):
                self._xml[path] = []
        return self._xml[path]


def proves(url: str, digest: str) -> bool:
    """Tell whether ``digest`` (the end of a file's name) is that of this address."""
    return hashlib.sha1(url.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest() == digest


def is_web(url: str) -> bool:
    """Tell whether this is a whole http or https address that can be written into a column."""
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
