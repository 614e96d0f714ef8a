"""Databases of every kind that we have: our own three generations, and real schemas where they lie beside us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cleanup.plexdata import places
from tests.cleanup.plexfolder import schema
from tests.cleanup.plexfolder.builder import Made, PlexBuilder

OWN = ("G1", "G2", "G3", "G2 of 2023")
REAL = ("schema_2025.sql", "schema_2020.sql")


@dataclass
class Films:
    """A folder with one library of films; ``items[n]`` has the poster ``posters[n]`` (path, value, address)."""

    plex: PlexBuilder
    items: list[Made]
    posters: list[tuple[str, str, str]]

    @property
    def data(self) -> places.Data:
        return places.resolve(str(self.plex.path))


def script(name: str) -> str:
    if name.endswith(".sql"):
        found = schema.fixture(name)
        if found is None:
            pytest.skip("no real schemas here: set MEDIASYNC_FIXTURES to their folder")
        return found
    return schema.own(name.split()[0], schema.OLD if "2023" in name else schema.NEW)


@pytest.fixture
def films(tmp_path: Path) -> Callable[..., Films]:
    """Make a folder with some films."""

    def make(name: str = "G2", number: int = 3, where: str = "plex") -> Films:
        plex = PlexBuilder(tmp_path / where, script(name))
        section = plex.section("Films", 1, tmp_path)
        items, posters = [], []
        for count in range(number):
            item, url = plex.item(1, f"Film {count}", section), f"https://images.example/{count}.jpg"
            path, value = plex.modern(item, "posters", url)
            plex.set(item, thumb=value)
            items.append(item)
            posters.append((path, value, url))
        plex.finish()
        return Films(plex, items, posters)

    return make
