"""The questions that the index and the live check ask, put together from the columns that a database has."""

from __future__ import annotations

from collections.abc import Iterator

from .database import Schema, quoted

CANDIDATES = 300  # tags from this type on (312 posters …) offer images to choose from; offering is not using
IS_ODD = "(typeof({0}) <> 'text' OR length({0}) <> 40 OR {0} GLOB '*[^0-9a-f]*')"
BASE = ("id", "metadata_type", "library_section_id", "parent_id", "index", "title", "guid", "hash", "user_fields")


def item_columns(schema: Schema, alias: str = "i") -> str:
    """Return what an ``Item`` is made of; NULL stands for a column that this database does not have."""
    there = schema.tables["metadata_items"]
    return ", ".join(f'{alias}."{name}"' if name in there else "NULL" for name in (*BASE, *schema.columns))


def bundle_queries(schema: Schema, where: str) -> tuple[str, str, str]:
    """Return three questions for (hash of the bundle, an item whose files may lie in it …): own, child, grandchild.

    ``where`` is a condition on the column ``{hash}``.
    """
    item = item_columns(schema)
    child = "JOIN metadata_items i ON i.parent_id = p.id"
    return (
        f"SELECT i.hash, {item} FROM metadata_items i WHERE {where.format(hash='i.hash')}",
        f"SELECT p.hash, {item} FROM metadata_items p {child} WHERE {where.format(hash='p.hash')}",
        f"SELECT g.hash, {item} FROM metadata_items g JOIN metadata_items p ON p.parent_id = g.id {child}"
        f" WHERE {where.format(hash='g.hash')}",
    )


def odd_queries(schema: Schema) -> tuple[str, str, str]:
    """Return three questions for (hash, guid, an item …): items with no hash as Plex writes it; their children …

    Nobody knows their bundles for sure, so what they name is in use in any.
    """
    item = item_columns(schema)
    child = "JOIN metadata_items i ON i.parent_id = p.id"
    guid = "{}.guid" if schema.has("metadata_items", "guid") else "NULL"
    return (
        f"SELECT i.hash, {guid.format('i')}, {item} FROM metadata_items i WHERE {IS_ODD.format('i.hash')}",
        f"SELECT p.hash, {guid.format('p')}, {item} FROM metadata_items p {child} WHERE {IS_ODD.format('p.hash')}",
        f"SELECT g.hash, {guid.format('g')}, {item} FROM metadata_items g JOIN metadata_items p ON p.parent_id = g.id"
        f" {child} WHERE {IS_ODD.format('g.hash')}",
    )


def odd_parts() -> str:
    """Return the question for the hashes of parts that are not as Plex writes them; empty ones are those of extras."""
    return f"SELECT hash FROM media_parts WHERE coalesce(hash, '') <> '' AND {IS_ODD.format('hash')}"


def part_query(schema: Schema, where: str) -> str:
    """Return the question for (hash of a part, item …); the item is all NULL where nothing owns the part."""
    return (
        f"SELECT x.hash, {item_columns(schema)} FROM media_parts x"
        " LEFT JOIN media_items m ON m.id = x.media_item_id LEFT JOIN metadata_items i ON i.id = m.metadata_item_id"
        f" WHERE {where.format(hash='x.hash')}"
    )


def is_keeping(column: str) -> str:
    """Return the condition that a column may name a file (``layout.keys`` tells): no plain address or path of Plex."""
    return f"({column} LIKE '%url=%' OR ({column} NOT LIKE 'http%' AND {column} NOT LIKE '/%' AND {column} <> ''))"


def media_queries(schema: Schema) -> Iterator[str]:
    """Yield the questions for all values of metadata_items that may name a file of Media."""
    for column in schema.columns:
        yield f'SELECT "{column}" FROM metadata_items WHERE "{column}" LIKE \'%media%\''


def other_queries(schema: Schema) -> Iterator[str]:
    """Yield the questions for all values of other tables that name a file: people, libraries, what was watched …"""
    for table, columns in schema.addresses.items():
        for column in map(quoted, columns):
            yield f"SELECT {column} FROM {quoted(table)} WHERE {is_keeping(column)}"
    if schema.has("taggings", "thumb_url", "tag_id") and schema.has("tags", "id", "tag_type"):
        yield (
            f"SELECT thumb_url FROM taggings WHERE {is_keeping('thumb_url')} AND (thumb_url LIKE '%media:%' OR"
            f" coalesce(tag_id, -1) NOT IN (SELECT id FROM tags WHERE tag_type >= {CANDIDATES}))"
        )


def count_query(schema: Schema) -> str:
    """Return the question for: items, bundles, metadata, upload, media, http (values, all columns together)."""
    sums = [
        " + ".join(f"coalesce(sum(\"{column}\" LIKE '{scheme}'), 0)" for column in schema.columns)
        for scheme in ("metadata://%", "upload://%", "media://%", "http%")
    ]
    return f"SELECT count(*), count(DISTINCT nullif(hash, '')), {', '.join(sums)} FROM metadata_items"


PARTS = "SELECT count(*), count(DISTINCT nullif(hash, '')) FROM media_parts"
