"""How far a library has come: what its items' pictures are, by library and column. NULL counts as empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw

from .plexdata.database import Schema, failed

SCHEMES = ("http", "metadata", "upload", "media")
SHOWN = (1, 2, 3, 4, 8, 9, 10, 13, 14, 18)  # types of items with pictures of their own; no extras, no playlists
DONE_TYPES = (1, 2, 3, 4)  # films, shows, seasons, episodes: the seed's test for "done" looks at these …
DONE_COLUMNS = ("user_thumb_url", "user_art_url")  # … and these


def measure(con: apsw.Connection, schema: Schema) -> dict[str, Any]:
    """Return what the items hold, as JSON.

    ``libraries``: id, name, items and ``columns`` (thumb … → http, metadata, upload, media, empty, other: numbers of
    items); ``left``: how many films, shows, seasons and episodes have no web address as thumb or art; ``done``: none.
    """
    try:
        names = _names(con, schema)
        rows = con.execute(_query(schema)).fetchall()
        left = {short(column): _left(con, column) for column in DONE_COLUMNS if column in schema.columns}
    except apsw.Error as error:
        raise failed(error) from None
    libraries = [_library(row, names, schema) for row in rows]
    return {"libraries": libraries, "left": left, "done": not any(left.values())}


def short(column: str) -> str:
    """Return how a column is called here: ``thumb`` for ``user_thumb_url``."""
    return column.removeprefix("user_").removesuffix("_url")


def share(counts: Mapping[str, int], scheme: str) -> float:
    """Return the share (0.0 to 1.0) of one scheme in the counts of a column; 0.0 if there are no items."""
    total = sum(counts.values())
    return counts.get(scheme, 0) / total if total else 0.0


def _names(con: apsw.Connection, schema: Schema) -> dict[int, str]:
    if not schema.has("library_sections", "id", "name"):
        return {}
    return {int(number): name or "" for number, name in con.execute("SELECT id, name FROM library_sections")}


def _query(schema: Schema) -> str:
    sums = [
        f"coalesce(sum({condition}), 0)"
        for column in schema.columns
        for condition in (
            *(f"\"{column}\" GLOB '{scheme}*://*'" for scheme in SCHEMES),
            f"coalesce(\"{column}\", '') = ''",
        )
    ]
    section = "library_section_id" if schema.has("metadata_items", "library_section_id") else "NULL"
    kinds = ", ".join(map(str, SHOWN))
    return (
        f"SELECT {section} AS section, count(*), {', '.join(sums)} FROM metadata_items"
        f" WHERE metadata_type IN ({kinds}) GROUP BY section ORDER BY section"
    )


def _library(row: tuple[Any, ...], names: Mapping[int, str], schema: Schema) -> dict[str, Any]:
    section, items, *sums = row
    columns: dict[str, dict[str, int]] = {}
    width = len(SCHEMES) + 1
    for place, column in enumerate(schema.columns):
        counts = dict(zip((*SCHEMES, "empty"), sums[place * width : (place + 1) * width], strict=True))
        columns[short(column)] = {**counts, "other": items - sum(counts.values())}
    return {"id": section, "name": names.get(section or 0, ""), "items": items, "columns": columns}


def _left(con: apsw.Connection, column: str) -> int:
    kinds = ", ".join(map(str, DONE_TYPES))
    query = (
        f"SELECT count(*) FROM metadata_items WHERE metadata_type IN ({kinds})"
        f' AND ("{column}" IS NULL OR "{column}" NOT LIKE \'http%\')'
    )
    [(number,)] = con.execute(query).fetchall()
    return int(str(number))
