"""The rows of a large database, kept as plain dictionaries until they are written."""

from __future__ import annotations

from typing import Any

from .builder import TAG_TYPES, sha1


class Rows:
    """Items by id (1 …), parts, and what agents offered. Two libraries: films (1) and shows (2)."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.media: list[dict[str, Any]] = []
        self.parts: list[dict[str, Any]] = []
        self.taggings: list[dict[str, Any]] = []

    def item(
        self, kind: int, section: int, guid: str, parent: int | None = None, index: int | None = None
    ) -> tuple[str, int]:
        """Add an item; return (hash of its bundle, its id)."""
        digest = sha1(guid)
        self.items.append(
            {
                "id": len(self.items) + 1,
                "library_section_id": section,
                "parent_id": parent,
                "metadata_type": kind,
                "guid": guid,
                "title": guid[-20:],
                "title_sort": guid[-20:],
                "index": index,
                "hash": digest,
                "user_fields": "",
                "user_thumb_url": None,
                "user_art_url": None,
            }
        )
        return digest, len(self.items)

    def set(self, item: int, column: str, value: str) -> None:
        self.items[item - 1][f"user_{column}_url"] = value

    def candidate(self, item: int, attribute: str, url: str, value: str) -> None:
        tag = TAG_TYPES[attribute]
        self.taggings.append({"metadata_item_id": item, "tag_id": tag, "text": url, "thumb_url": value})

    def part(self, item: int, digest: str) -> None:
        self.media.append({"id": len(self.media) + 1, "library_section_id": 1, "metadata_item_id": item})
        self.parts.append({"media_item_id": len(self.media), "hash": digest, "file": f"/media/{item}.mkv", "size": 1})

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Return all rows by table."""
        return {
            "library_sections": [
                {"id": number, "name": name, "section_type": number, "uuid": sha1(name)[:36]}
                for number, name in ((1, "Films"), (2, "Shows"))
            ],
            "section_locations": [
                {"library_section_id": number, "root_path": "/media", "available": "t"} for number in (1, 2)
            ],
            "tags": [{"id": kind, "tag": "", "tag_type": kind} for kind in TAG_TYPES.values()],
            "metadata_items": self.items,
            "media_items": self.media,
            "media_parts": self.parts,
            "taggings": self.taggings,
        }
