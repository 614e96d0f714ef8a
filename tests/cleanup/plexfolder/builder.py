"""A builder of Plex data folders: items, images and odd things one by one; ``finish`` writes the database."""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cleanup.plexdata import layout, places

from . import schema

TAG_TYPES = {"posters": 312, "art": 313, "themes": 317, "clearLogos": 323, "squareArts": 325}
ATTRIBUTE = {"posters": "thumb", "thumbs": "thumb", "art": "art", "banners": "banner", "themes": "music"}
ATTRIBUTE |= {"clearLogos": "clear_logo", "squareArts": "square_art"}
JPEG = b"\xff\xd8\xff\xe0"
DAY = 86_400


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


@dataclass(frozen=True)
class Made:
    """An item that was made. ``bundle`` is the path of its own bundle below the data folder."""

    id: int
    hash: str
    bundle: str
    kind: int
    section: int


@dataclass
class PlexBuilder:
    """``age`` is how old files are unless said otherwise, in days."""

    path: Path
    script: str = field(default_factory=schema.own)
    age: float = 60.0
    wal: bool = True
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    tag_ids: dict[int, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("Metadata", "Media/localhost", places.CACHE, places.DATABASES):
            (self.path / name).mkdir(parents=True, exist_ok=True)

    @property
    def database(self) -> Path:
        return self.path / places.DATABASE

    def finish(self) -> Path:
        """Write the database and return the data folder."""
        schema.write(self.database, self.script, self.rows, wal=self.wal)
        return self.path

    def row(self, table: str, **values: Any) -> int:
        """Add a row and return its id."""
        self._counts[table] += 1
        self.rows[table].append({"id": self._counts[table], **values})
        return self._counts[table]

    # -- The database

    def section(self, name: str = "Films", kind: int = 1, location: Path | str | None = None) -> int:
        """Add a library (1 films, 2 shows, 8 music, 13 photos), with its folder if one is given."""
        number = self.row("library_sections", name=name, section_type=kind, uuid=sha1(name)[:36])
        if location is not None:
            self.row("section_locations", library_section_id=number, root_path=str(location), available="t")
        return number

    def item(
        self,
        kind: int,
        title: str,
        section: int = 1,
        parent: Made | None = None,
        index: int | None = None,
        fields: str = "",
        **values: str | None,
    ) -> Made:
        """Add an item; ``values`` by short name: ``thumb="metadata://posters/…"``."""
        guid = f"plex://{kind}/{sha1(f'{kind} {title} {parent.id if parent else 0} {index}')[:24]}"
        digest = sha1(guid)
        number = self.row(
            "metadata_items",
            library_section_id=section,
            parent_id=parent.id if parent else None,
            metadata_type=kind,
            guid=guid,
            title=title,
            title_sort=title,
            index=index,
            hash=digest,
            user_fields=fields,
            **{f"user_{name}_url": value for name, value in values.items()},
        )
        folder = layout.FOLDER_OF.get(kind, "Movies")
        return Made(number, digest, layout.bundle_path(layout.METADATA, folder, digest), kind, section)

    def set(self, item: Made, **values: str | None) -> None:
        """Change columns of an item by short name."""
        self.rows["metadata_items"][item.id - 1].update({f"user_{name}_url": v for name, v in values.items()})

    def part(self, item: Made, file: str = "", digest: str = "") -> str:
        """Add a media part and return the path of its bundle below the data folder."""
        digest = digest or sha1(f"part {item.id} {file}")
        media = self.row("media_items", library_section_id=item.section, metadata_item_id=item.id)
        self.row("media_parts", media_item_id=media, hash=digest, file=file or f"/media/{item.id}.mkv", size=1000)
        return layout.bundle_path(layout.MEDIA, "", digest)

    def candidate(self, item: Made, attribute: str, url: str, value: str) -> None:
        """Add what a modern agent offers: a tagging with the address and the ``metadata://`` value."""
        kind = TAG_TYPES[attribute]
        if kind not in self.tag_ids:
            self.tag_ids[kind] = self.row("tags", tag="", tag_type=kind)
        self.row("taggings", metadata_item_id=item.id, tag_id=self.tag_ids[kind], text=url, thumb_url=value)

    # -- The files

    def file(self, rel: str, content: bytes | None = None, age: float | None = None) -> str:
        """Make a file below the data folder and return its path there."""
        path = self.path / rel
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG + sha1(rel).encode() * 40 if content is None else content)
        self.touch(rel, age)
        return rel

    def link(self, rel: str, target: str) -> str:
        """Make a link with exactly this target."""
        path = self.path / rel
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        self.touch(rel)
        return rel

    def hard_link(self, rel: str, of: str) -> str:
        """Give a file one more name, as Plex does on Windows."""
        path = self.path / rel
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(self.path / of, path)
        return rel

    def touch(self, rel: str, age: float | None = None) -> None:
        moment = time.time() - (self.age if age is None else age) * DAY
        os.utime(self.path / rel, (moment, moment), follow_symlinks=False)

    def modern(
        self, owner: Made, attribute: str, url: str, *, agent: str = "tv.plex.agents.movie", item: Made | None = None
    ) -> tuple[str, str]:
        """Make an image of a modern agent in the bundle of ``owner`` (for ``item``); return (its path, its value)."""
        name = f"{attribute}/{agent}_{sha1(url)}"
        self.candidate(item or owner, attribute, url, f"metadata://{name}")
        return self.file(f"{owner.bundle}/{layout.COMBINED}/{name}"), f"metadata://{name}"

    def upload(self, owner: Made, rel: str, content: bytes | None = None, age: float | None = None) -> tuple[str, str]:
        """Make an uploaded image; return (its path, its value). ``rel``: ``posters/<sha1>``, ``posters/seasons/1/…``"""
        return self.file(f"{owner.bundle}/{layout.UPLOADS}/{rel}", content, age), f"upload://{rel}"

    def empty(self, rel: str) -> str:
        """Make an empty folder."""
        (self.path / rel).mkdir(parents=True, exist_ok=True)
        return rel
