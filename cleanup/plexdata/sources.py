"""Where a selected picture came from: the address, and the proof that it is the one.

Plex names a file ``<agent>_<sha1 of its address>``, so an address found anywhere can be proven to belong to a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import apsw

from . import infoxml, layout
from .database import Schema, failed
from .index import Item
from .safe import Root

PLAIN = re.compile(r"https?://[a-z0-9][a-z0-9.-]*/[!-Z^-~]*")  # what nearly all are, in a fifth of the time
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
        self._offered: dict[tuple[int, str], list[str]] = {}
        self._asked: frozenset[int] = frozenset()  # items (and parents) of which ``_offered`` holds all that matters

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

    def prepare(self, items: Iterable[Item]) -> None:
        """Read at once what the taggings offer for what these items select; the last call counts.

        One question for the items of a bundle, or of many, costs a tenth of one for each value.
        """
        if not self._tagged:
            return
        asked: set[int] = set()
        chosen: set[str] = set()
        for item in items:
            values = [value for value in item.values.values() if value and value.startswith("metadata://")]
            if values:
                chosen.update(values)
                asked.add(item.id)
                asked |= {item.parent} if item.parent else set()
        query = (
            "SELECT metadata_item_id, thumb_url, text FROM taggings WHERE metadata_item_id IN"
            " (SELECT value FROM json_each(?)) AND thumb_url LIKE 'metadata://%' ORDER BY id"
        )
        self._offered, self._asked = {}, frozenset(asked)
        try:
            for item, value, text in self._con.execute(query, (json.dumps(sorted(asked)),)):
                if text and value in chosen:
                    self._offered.setdefault((int(item), str(value)), []).append(str(text))
        except apsw.Error as error:
            raise failed(error) from None

    def _taggings(self, item: Item, value: str) -> Iterator[str]:
        if item.id in self._asked:
            yield from self._offered.get((item.id, value), ())
            if item.parent:
                yield from self._offered.get((item.parent, value), ())
            return
        query = "SELECT text FROM taggings WHERE metadata_item_id IN (?, ?) AND thumb_url = ? ORDER BY id"
        try:
            rows = self._con.execute(query, (item.id, item.parent, value)).fetchall()
        except apsw.Error as error:
            raise failed(error) from None
        yield from (str(text) for (text,) in rows if text)

    def _offers(
        self, bundle: str, item: Item, value: str, rel: str, agent: str, digest: str
    ) -> Iterator[tuple[str, str]]:
        if self._tagged:
            yield from ((text, "taggings") for text in self._taggings(item, value))
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
    if PLAIN.fullmatch(url):
        return True
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
