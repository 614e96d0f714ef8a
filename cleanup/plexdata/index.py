"""What the database says of the files: which are in use, which bundles it knows, and whose they are.

It is read from a private snapshot, one prefix at a time, so that memory stays small with any library. In doubt a file
is in use: a value counts for the item's own bundle, its parent's and its grandparent's (the image of a season lies in
the bundle of its show); a value of another table, whose bundle nobody knows, counts for every bundle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import apsw

from mediasync.core.errors import Permanent

from . import layout, meaning, queries
from .database import Schema, failed
from .walk import Bundle

RANGE = "{hash} >= ? AND {hash} < ?"
ALBUM = 9
VALUES = ("metadata", "upload", "media", "http")  # what a column may hold


class Item(NamedTuple):
    """One row of metadata_items. ``values`` has each column of ``Schema.columns``; None is NULL."""

    id: int
    type: int
    section: int | None
    parent: int | None
    number: int | None  # of the season or episode: the column "index"
    title: str
    guid: str
    hash: str
    fields: str  # user_fields: "" or "lockedFields=1|2"
    values: dict[str, str | None]


@dataclass(slots=True)
class _Known:
    """What is known of the bundles of one prefix; items are made of rows when a bundle is asked for: most are not."""

    own: set[str] = field(default_factory=set)  # hashes of items
    rows: dict[str, list[Sequence[Any]]] = field(default_factory=dict)  # bundle → whose files may lie in it
    items: dict[str, list[Item]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)  # bundle → layout.keys in use


@dataclass(slots=True)
class Index:
    """Made by ``build``; bound to the thread of its connection. ``counts``: see ``build``."""

    con: apsw.Connection
    schema: Schema
    counts: dict[str, int]
    anywhere: frozenset[str]  # keys of files that may lie in any bundle
    media: frozenset[str]  # paths below Media/localhost that some column names
    odd: frozenset[str] = frozenset()  # bundles that belong to an item or part whose hash is not as Plex writes it
    _known: tuple[str, _Known] = field(default=("", _Known()), init=False)
    _parts: tuple[str, dict[str, dict[int, Item]]] = field(default=("", {}), init=False)

    def uses(self, type_folder: str, bundle: str, rel: str) -> bool:
        """Tell whether some column names the file ``rel`` of a bundle of Metadata, whatever the type of the bundle.

        Of the older agents' folders, ``_stored`` and the agent's own file count as the link in ``_combined`` that leads
        to them; see ``protected`` for links that lead elsewhere.
        """
        del type_folder  # a hash is one of an item; under a wrong type it is rather kept
        key = layout.key_of(rel)
        return bool(key) and (key in self.anywhere or key in self.keys(bundle))

    def media_uses(self, path: str) -> bool:
        """Tell whether some column names ``path`` below Media/localhost."""
        return path in self.media

    def knows(self, bundle: str) -> bool:
        """Tell whether an item has this hash: its bundle of Metadata is no orphan."""
        return bundle in self._load(bundle).own or bundle in self.odd

    def knows_media(self, bundle: str) -> bool:
        """Tell whether a part has this hash: its bundle of Media is no orphan. True for all if no part has one."""
        return not self.counts["media_bundles"] or bundle in self._load_parts(bundle) or bundle in self.odd

    def items(self, bundle: str) -> Sequence[Item]:
        """Return the items whose files may lie in a bundle: its own, their children and grandchildren."""
        known = self._load(bundle)
        found = known.items.get(bundle)
        if found is None:
            rows = known.rows.pop(bundle, None)
            if rows is None:
                return ()
            found = known.items[bundle] = [item_of(row, self.schema.columns) for row in rows]
        return found

    def keys(self, bundle: str) -> Collection[str]:
        """Return the keys (``layout.key_of``) that values of the bundle's items keep alive in it."""
        known = self._load(bundle)
        found = known.keys.get(bundle)
        if found is None:
            items = self.items(bundle)
            if not items:
                return frozenset()
            found = known.keys[bundle] = set().union(*map(keys_of_item, items))
        return found

    def media_items(self, bundle: str) -> Sequence[Item]:
        """Return the items of all parts with this hash, each once; none where some part may be missing among them."""
        return () if bundle in self.odd else list(self._load_parts(bundle).get(bundle, {}).values())

    def protected(self, bundle: Bundle) -> set[str]:
        """Return the paths below the bundle of all files in use, and of all that links in use lead to."""
        rels = {bundle.rel(entry): entry for entry in bundle.entries if entry.kind != "folder"}
        waiting = [rel for rel in rels if self.uses("", bundle.hash, rel)]
        kept = set(waiting)
        while waiting:
            entry = rels.get(rel := waiting.pop())
            target = layout.link_target(rel, entry.target) if entry and entry.kind == "link" else ""
            if target and target not in kept:
                kept.add(target)
                waiting.append(target)
        return kept

    @property
    def values(self) -> int:
        """How many pictures the items have, wherever those are."""
        return sum(self.counts[name] for name in VALUES)

    def shrank(self, before: Mapping[str, int]) -> float:
        """Return the largest share that a count of what is known lost since ``before`` (0.0 to 1.0)."""
        names = ("items", "parts", "bundles", "media_bundles")
        lost = [1 - self.counts[name] / before[name] for name in names if before.get(name)]
        if values := sum(before.get(name, 0) for name in VALUES):  # whatever they are: to write addresses loses none
            lost.append(1 - self.values / values)
        return max([0.0, *lost])

    def _load(self, bundle: str) -> _Known:
        prefix = bundle[:1]
        if prefix != self._known[0]:
            self._known = ("", _Known())  # let go of the last one first
            self._known = (prefix, self._read(prefix))
        return self._known[1]

    def _read(self, prefix: str) -> _Known:
        found = _Known()
        if layout.PREFIX.match(prefix):
            limits = (prefix, chr(ord(prefix) + 1))
            for number, query in enumerate(queries.bundle_queries(self.schema, RANGE)):
                for bundle, *row in self.con.execute(query, limits):
                    if number == 0:
                        found.own.add(bundle)
                    found.rows.setdefault(bundle, []).append(row)
        return found

    def _load_parts(self, bundle: str) -> dict[str, dict[int, Item]]:
        prefix = bundle[:1]
        if prefix != self._parts[0]:
            found: dict[str, dict[int, Item]] = {}
            if layout.PREFIX.match(prefix):
                query = queries.part_query(self.schema, RANGE)
                for part, *row in self.con.execute(query, (prefix, chr(ord(prefix) + 1))):
                    items = found.setdefault(part, {})
                    if row[0] is not None:
                        items[row[0]] = item_of(row, self.schema.columns)
            self._parts = (prefix, found)
        return self._parts[1]


def build(con: apsw.Connection, schema: Schema) -> Index:
    """Return the index of a snapshot; Permanent (``plex_index_empty``) if it has no item with a bundle.

    ``counts``: items, parts, bundles and media_bundles (different hashes), and values by scheme: metadata, upload,
    media, http. A query that fails raises Permanent: nothing is ever concluded from a part of the answers.
    """
    try:
        asked = (queries.count_query(schema), queries.PARTS)
        numbers = [int(str(each)) for query in asked for row in con.execute(query) for each in row]
        names = ("items", "bundles", "metadata", "upload", "media", "http", "parts", "media_bundles")
        counts = dict(zip(names, numbers, strict=True))
        anywhere, media, odd = others(con, schema)
    except apsw.Error as error:
        raise failed(error) from None
    if not counts["items"] or not counts["bundles"]:
        raise Permanent("The database knows no item with a bundle.", code="plex_index_empty")
    return Index(con, schema, counts, anywhere, media, odd)


def stored(index: Index) -> str:
    """Return what ``build`` found, as JSON, so that another process need not look for it again."""
    return json.dumps([index.counts, *map(sorted, (index.anywhere, index.media, index.odd))])


def restored(con: apsw.Connection, schema: Schema, text: str) -> Index:
    """Return the index that ``stored`` wrote of the same snapshot; ValueError if it is no such text."""
    counts, *sets = json.loads(text)
    anywhere, media, odd = map(frozenset, sets)
    return Index(con, schema, counts, anywhere, media, odd)


def others(con: apsw.Connection, schema: Schema) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return (keys that may lie in any bundle, paths below Media/localhost) of all tables, and the odd bundles."""
    anywhere: set[str] = set()
    media: set[str] = set()
    for query in (*queries.media_queries(schema), *queries.other_queries(schema)):
        for (value,) in con.execute(query):
            for key in layout.keys(value):
                scheme, _, rel = key.partition(":")
                media.add(rel) if scheme == "media" else anywhere.add(key)
    odd = {_digest(digest) for (digest,) in con.execute(queries.odd_parts())}
    for query in queries.odd_queries(schema):
        for digest, guid, *row in con.execute(query):
            anywhere |= keys_of_item(item_of(row, schema.columns))
            # Plex makes the hash of an item of its guid, so where it lacks, its bundle is known all the same.
            odd |= {_digest(digest), _sha1(meaning.text(guid))}
    return frozenset(anywhere), frozenset(media), frozenset(odd)


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def _digest(odd: Any) -> str:
    return meaning.text(odd).strip().lower()


def item_of(row: Sequence[Any], columns: Sequence[str]) -> Item:
    """Return the item of a row of ``queries.item_columns``."""
    number, kind, section, parent, index, title, guid, digest, fields = row[:9]
    values = dict(zip(columns, row[9:], strict=True))
    if type(digest) is not str:
        digest = meaning.text(digest)
    return Item(number, kind or 0, section, parent, index, title or "", guid or "", digest, fields or "", values)


def keys_of_item(item: Item) -> set[str]:
    """Return the keys of an item; older agents kept the pictures of an album in the bundle of its artist, too."""
    found = keys_of(item.values.values())
    if item.type == ALBUM:
        found |= {key.replace(":", f":albums/{item.hash}/", 1) for key in found}
    return found


def keys_of(values: Iterable[str | None]) -> set[str]:
    """Return the keys of metadata and uploads that values keep alive."""
    return {
        key for value in values if meaning.is_local(value) for key in layout.keys(value) if not key.startswith("media:")
    }
