"""Members of collections that have no picture of their own: Plex makes one from the local posters of the members."""

from __future__ import annotations

import apsw

from .plexdata.database import failed
from .reading import Reading

COLLECTION_TAG, COLLECTION = 2, 18


def members(source: Reading) -> frozenset[int]:
    """Return the ids of such members; Permanent if they cannot be read."""
    schema = source.schema
    if not (
        schema.has("taggings", "metadata_item_id", "tag_id")
        and schema.has("tags", "id", "tag_type")
        and "user_thumb_url" in schema.columns
    ):
        return frozenset()
    own = ""
    if schema.has("tags", "metadata_item_id"):
        own = (
            " AND NOT EXISTS (SELECT 1 FROM metadata_items c WHERE c.id = t.metadata_item_id"
            f" AND c.metadata_type = {COLLECTION} AND coalesce(c.user_thumb_url, '') <> '')"
        )
    query = (
        "SELECT DISTINCT g.metadata_item_id FROM tags t JOIN taggings g ON g.tag_id = t.id"
        f" WHERE t.tag_type = {COLLECTION_TAG}{own}"
    )
    try:
        return frozenset(int(row[0]) for row in source.con.execute(query) if isinstance(row[0], int))
    except apsw.Error as error:
        raise failed(error) from None
