"""A data folder as libraries of some years have it, for benchmarks; ``big`` makes the worst one of the same size.

Of four films and one season of ten episodes: nine tenths of the modern agents' pictures are selected (118 of 131 were,
in the reference), one film in ten is of an older agent with all its candidates and links, each file that plays has a
bundle of Media with thumbnails, chapters, an index and a GoP file, one bundle in twenty is an orphan, and of the cached
pictures half were not used for a month.
"""

from __future__ import annotations

import os
from pathlib import Path

from cleanup.plexdata import layout, places

from . import schema
from .big import AGENT, Big, Maker, _bundle
from .builder import DAY, sha1

SERIES = "tv.plex.agents.series"
KINDS = (("posters", "thumb"), ("art", "art"), ("clearLogos", "clear_logo"))
CANDIDATES = 15  # of a film of an older agent
EPISODES, SEASONS = 30, 3
CHAPTERS = {1: 16, 4: 5}  # of a film, of an episode
OLD, FRESH = 60, 5  # days since a cached picture was used


class Typical(Maker):
    """Makes libraries instead of bundles."""

    def movie(self, number: int) -> None:
        """Make a film with its pictures and its part."""
        if number % 10 == 0:
            self.legacy(number, CANDIDATES + 2)
            item = len(self.rows.items)
        else:
            digest, item = self.rows.item(1, 1, f"plex://movie/{number}")
            for attribute, column in KINDS:
                spare = attribute == "posters" and number % 3 == 0
                names = self._offered(item, f"movie/{number}", attribute, 1 + spare, AGENT)
                self.files(f"{_bundle('Movies', digest)}/{layout.COMBINED}/{attribute}", names)
                self.rows.set(item, column, f"metadata://{attribute}/{names[0]}")
            self.big.counts["bundles"] += 1
        self.played(item, 1)

    def series(self, number: int) -> None:
        """Make a show: the pictures of its seasons and episodes lie in its own bundle."""
        digest, show = self.rows.item(2, 2, f"plex://show/{number}")
        names = self._offered(show, f"show/{number}", "posters", 2, SERIES)
        self.rows.set(show, "thumb", f"metadata://posters/{names[0]}")
        art = self._offered(show, f"show/{number}", "art", 1, SERIES)
        self.rows.set(show, "art", f"metadata://art/{art[0]}")
        for season in range(1, SEASONS + 1):
            above = self.rows.item(3, 2, f"plex://season/{number}/{season}", show, season)[1]
            names += self._own(above, f"season/{number}/{season}")
            for episode in range(1, EPISODES // SEASONS + 1):
                item = self.rows.item(4, 2, f"plex://episode/{number}/{season}/{episode}", above, episode)[1]
                names += self._own(item, f"episode/{number}/{season}/{episode}")
                self.played(item, 4)
        folder = f"{_bundle('TV Shows', digest)}/{layout.COMBINED}"
        self.files(f"{folder}/posters", names)
        self.files(f"{folder}/art", art)
        self.big.counts["bundles"] += 1

    def played(self, item: int, kind: int) -> None:
        """Make the bundle of Media for the file of a film or an episode."""
        digest = sha1(f"part {item}")
        contents = f"{layout.bundle_path(layout.MEDIA, '', digest)}/Contents"
        self.files(f"{contents}/Thumbnails", ["thumb1.jpg"], "media")
        if kind == 1:
            self.files(f"{contents}/Art", ["art1.jpg"], "media")
        self.files(f"{contents}/Chapters", [f"chapter{n}.jpg" for n in range(1, CHAPTERS[kind] + 1)])
        self.files(f"{contents}/Indexes", ["index-sd.bif"])
        self.files(contents, ["GoP-0.xml"])
        self.rows.part(item, digest)
        self.big.counts["bundles"] += 1

    def used(self, days: int) -> None:
        """Let all cached pictures of every other folder be used so many days ago."""
        cache = os.path.join(self.root, places.CACHE)
        moment = self.moment + (OLD - days) * DAY
        for folder in sorted(os.listdir(cache))[::2]:
            for name in os.listdir(os.path.join(cache, folder)):
                os.utime(os.path.join(cache, folder, name), (moment, moment))

    def _own(self, item: int, what: str) -> list[str]:
        names = self._offered(item, what, "posters", 1, SERIES)
        self.rows.set(item, "thumb", f"metadata://posters/{names[0]}")
        return names

    def _offered(self, item: int, what: str, attribute: str, number: int, agent: str) -> list[str]:
        names = []
        for n in range(number):
            url = f"https://images.example/{what}/{attribute}/{n}.jpg"
            names.append(f"{agent}_{sha1(url)}")
            self.rows.candidate(item, attribute, url, f"metadata://{attribute}/{names[-1]}")
        return names


def build(path: Path, seed: int = 1, *, files: int = 200_000) -> Big:
    """Make ``path`` (a data folder) with at least so many files, links not counted."""
    for name in ("Metadata", layout.MEDIA, places.CACHE, places.DATABASES):
        (path / name).mkdir(parents=True)
    maker = Typical(path, seed)
    maker.cache(files // 20)
    maker.used(FRESH)
    counts, number = maker.big.counts, 0
    while counts["files"] < files:
        number += 1
        maker.movie(number)
        if number % 12 == 0:
            maker.series(number)
        while counts["orphans"] * 20 < counts["bundles"]:
            maker.orphan(counts["orphans"], 6)
    schema.write(maker.big.database, schema.own(), maker.rows.tables())
    return maker.big
