"""The live database asked once more, just before a file goes: few questions, read only, no lock held between them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import apsw

from . import layout, queries
from .database import Schema, failed, open_ro, probe
from .index import Item, item_of, keys_of_item, others

LISTED = "{hash} IN (SELECT value FROM json_each(?))"


class Live:
    """A reader of the live database. Every question raises Transient (locked) or Permanent rather than guess.

    Bound to the thread that made it. What other tables name is read again only when the database has changed.
    """

    def __init__(self, database: str) -> None:
        self.database = database
        self._con = open_ro(database, follows=True)
        self.schema: Schema = probe(self._con)
        self._others: tuple[int, frozenset[str], frozenset[str], frozenset[str]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._con.close()

    def in_use(self, paths: Iterable[str]) -> set[str]:
        """Return those of ``paths`` (below the data folder) that some column names now.

        The path of a bundle itself is in use when an item or part has its hash, or Media is named in it: that is for
        orphans; of other trees give the files in them. A path that lies in no bundle is in use: it is not ours.
        """
        places = {path: layout.place_of(path) for path in paths}
        of_metadata = {place.bundle for place in places.values() if place and place.part == layout.METADATA}
        of_media = {place.bundle for place in places.values() if place and place.part == layout.MEDIA}
        anywhere, media, odd = self._elsewhere()
        own, keys = self._bundles(of_metadata)
        parts = self._parts(of_media)
        named = {path.partition("/Contents/")[0] for path in media}

        def used(path: str, place: layout.Place | None) -> bool:
            if place is None:
                return True
            if place.part == layout.MEDIA:
                below = layout.media_path(path)
                return below in media if place.rel else place.bundle in parts or place.bundle in odd or below in named
            if not place.rel:
                return place.bundle in own or place.bundle in odd
            key = layout.key_of(place.rel)
            return bool(key) and (key in anywhere or key in keys.get(place.bundle, ()))

        return {path for path, place in places.items() if used(path, place)}

    def items(self, numbers: Iterable[int]) -> dict[int, Item]:
        """Return the items that are still there, by id."""
        query = (
            f"SELECT {queries.item_columns(self.schema)} FROM metadata_items i"
            " WHERE i.id IN (SELECT value FROM json_each(?))"
        )
        rows = self._ask(query, json.dumps(sorted(set(numbers))))
        return {row[0]: item_of(row, self.schema.columns) for row in rows}

    def value(self, item: int, column: str) -> str | None:
        """Return the value now; None is NULL, or an item that is gone."""
        found = self.items([item])
        return found[item].values[column] if item in found else None

    def version(self) -> int:
        """Return a number that moves when another connection has committed: as long as it stands, so do all answers."""
        return int(self._ask("PRAGMA data_version")[0][0])

    # -- How

    def _bundles(self, bundles: set[str]) -> tuple[set[str], dict[str, set[str]]]:
        own: set[str] = set()
        keys: dict[str, set[str]] = {}
        for number, query in enumerate(queries.bundle_queries(self.schema, LISTED) if bundles else ()):
            for bundle, *row in self._ask(query, json.dumps(sorted(bundles))):
                if number == 0:
                    own.add(bundle)
                keys.setdefault(bundle, set()).update(keys_of_item(item_of(row, self.schema.columns)))
        return own, keys

    def _parts(self, bundles: set[str]) -> set[str]:
        if not bundles:
            return set()
        return {row[0] for row in self._ask(queries.part_query(self.schema, LISTED), json.dumps(sorted(bundles)))}

    def _elsewhere(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        version = self.version()
        if self._others is None or self._others[0] != version:
            try:
                self._others = (version, *others(self._con, self.schema))
            except apsw.Error as error:
                raise failed(error) from None
        return self._others[1:]

    def _ask(self, query: str, *parameters: Any) -> list[Any]:
        try:
            return self._con.execute(query, parameters).fetchall()
        except apsw.Error as error:
            raise failed(error) from None
