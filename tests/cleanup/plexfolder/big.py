"""Large data folders, made in seconds: for benchmarks, and for the long way from a plan to a purge.

``build(path, seed, bundles=16_000, files=200_000)``: films and shows of modern and of older agents, music, Media with
thumbnails and chapters, uploads, orphans, cached pictures. The same numbers and seed make the same folder.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cleanup.plexdata import layout, places

from . import schema
from .big_rows import Rows
from .builder import DAY, JPEG, sha1

AGENT, OLD_AGENT = "tv.plex.agents.movie", "com.plexapp.agents.imdb"
SIZES = (400, 900, 2000, 4000)  # bytes


@dataclass
class Big:
    """What was made; ``counts``: bundles, files, links, selected, unused, orphans, media, uploads, cache."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def database(self) -> Path:
        return self.path / places.DATABASE


class Maker:
    """Writes files by the folder: one open folder, many names in it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.root, self.random, self.big = path, random.Random(seed), Big(path)
        self.rows = Rows()
        self.moment = time.time() - 60 * DAY
        self.content = [JPEG + bytes(size - len(JPEG)) for size in SIZES]
        self.left = 0

    def files(self, folder: str, names: list[str], kind: str = "") -> None:
        path = os.path.join(self.root, folder)
        os.makedirs(path, exist_ok=True)
        fd = os.open(path, os.O_RDONLY)
        for name in names:
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644, dir_fd=fd)
            os.write(file, self.random.choice(self.content))
            os.utime(file, (self.moment, self.moment))
            os.close(file)
        os.close(fd)
        self.left -= len(names)
        self.big.counts["files"] += len(names)
        if kind:
            self.big.counts[kind] += len(names)

    def film(self, number: int, width: int) -> None:
        """Make a film of a modern agent: posters and art, one of each selected."""
        digest, item = self.rows.item(1, 1, f"plex://movie/{number}")
        contents = f"{_bundle('Movies', digest)}/{layout.COMBINED}"
        for attribute, column in (("posters", "thumb"), ("art", "art")):
            urls = [f"https://images.example/{number}/{attribute}/{n}.jpg" for n in range(max(1, width // 2))]
            names = [f"{AGENT}_{sha1(url)}" for url in urls]
            self.files(f"{contents}/{attribute}", names)
            for url, name in zip(urls, names, strict=True):
                self.rows.candidate(item, attribute, url, f"metadata://{attribute}/{name}")
            self.rows.set(item, column, f"metadata://{attribute}/{names[0]}")
            self.big.counts["selected"] += 1
            self.big.counts["unused"] += len(names) - 1
        self.big.counts["bundles"] += 1
        if number % 50 == 0:
            self.files(f"{_bundle('Movies', digest)}/Uploads/posters", [sha1(f"upload {number} {n}") for n in range(3)])
            self.big.counts["uploads"] += 3

    def show(self, number: int, width: int) -> None:
        """Make a show of a modern agent: its seasons' and episodes' pictures lie flat in its bundle."""
        digest, show = self.rows.item(2, 2, f"plex://show/{number}")
        season = self.rows.item(3, 2, f"plex://season/{number}", show, 1)[1]
        episodes = [self.rows.item(4, 2, f"plex://episode/{number}/{n}", season, n)[1] for n in range(width // 2)]
        folder = f"{_bundle('TV Shows', digest)}/{layout.COMBINED}/posters"
        urls = [f"https://images.example/tv/{number}/{n}.jpg" for n in range(width)]
        names = [f"tv.plex.agents.series_{sha1(url)}" for url in urls]
        self.files(folder, names)
        chosen = [show, season, *episodes][:width]
        for item, url, name in zip(chosen, urls, names, strict=False):
            self.rows.candidate(item, "posters", url, f"metadata://posters/{name}")
            self.rows.set(item, "thumb", f"metadata://posters/{name}")
        self.big.counts["bundles"] += 1
        self.big.counts["selected"] += len(chosen)
        self.big.counts["unused"] += width - len(chosen)

    def legacy(self, number: int, width: int) -> None:
        """Make a film of an older agent: files, links to them, and XML."""
        digest, item = self.rows.item(1, 1, f"com.plexapp.agents.imdb://tt{number}?lang=en")
        contents = f"{_bundle('Movies', digest)}/Contents"
        urls = [f"https://images.example/old/{number}/{n}.jpg" for n in range(max(1, width - 2))]
        names = [sha1(url) for url in urls]
        self.files(f"{contents}/{OLD_AGENT}/posters", names)
        folder = os.path.join(self.root, contents, "_combined", "posters")
        os.makedirs(folder)
        for name in names:
            os.symlink(f"../../{OLD_AGENT}/posters/{name}", os.path.join(folder, f"{OLD_AGENT}_{name}"))
        for where, prefix in ((OLD_AGENT, ""), ("_combined", f"{OLD_AGENT}_")):
            inner = "".join(f'<item url="{u}" preview="{prefix}{n}"/>' for u, n in zip(urls, names, strict=True))
            xml = os.path.join(self.root, contents, where, "Info.xml")
            Path(xml).write_text(f"<?xml version='1.0' encoding='utf-8'?><Movie><posters>{inner}</posters></Movie>")
        self.left -= 2
        self.rows.set(item, "thumb", f"metadata://posters/{OLD_AGENT}_{names[0]}")
        self.big.counts += Counter(bundles=1, selected=1, unused=len(names) - 1, links=len(names), files=2)

    def media(self, number: int, width: int) -> None:
        """Make the bundle of a part of an item that has a web address, and of some that show their thumbnail."""
        digest = sha1(f"part {number}")
        bundle = layout.bundle_path(layout.MEDIA, "", digest)
        self.files(f"{bundle}/Contents/Thumbnails", ["thumb1.jpg"], "media")
        self.files(f"{bundle}/Contents/Chapters", [f"chapter{n}.jpg" for n in range(1, max(2, width - 1))])
        item = self.rows.item(1, 1, f"plex://clip/{number}")[1]
        self.rows.part(item, digest)
        own = f"media://{layout.media_path(bundle)}/Contents/Thumbnails/thumb1.jpg"
        self.rows.set(item, "thumb", own if number % 4 == 0 else f"https://images.example/clip/{number}.jpg")
        self.big.counts["bundles"] += 1

    def orphan(self, number: int, width: int) -> None:
        digest = sha1(f"orphan {number}")
        folder = self.random.choice(["Movies", "TV Shows", "Artists"])
        self.files(
            f"{_bundle(folder, digest)}/{layout.COMBINED}/posters", [sha1(f"{number} {n}") for n in range(width)]
        )
        self.big.counts += Counter(bundles=1, orphans=1)

    def cache(self, number: int) -> None:
        names: dict[str, list[str]] = {}
        for n in range(number):
            name = sha1(f"cache {n}")
            names.setdefault(name[:2], []).append(f"{name}.jpg")
        for folder, each in names.items():
            self.files(f"{places.CACHE}/{folder}", each, "cache")


def _bundle(folder: str, digest: str) -> str:
    return layout.bundle_path(layout.METADATA, folder, digest)


def build(path: Path, seed: int = 1, *, bundles: int = 16_000, files: int = 200_000, script: str = "") -> Big:
    """Make ``path`` (a data folder) with about so many bundles and files, links not counted; see the module."""
    for name in ("Metadata", layout.MEDIA, places.CACHE, places.DATABASES):
        (path / name).mkdir(parents=True)
    maker = Maker(path, seed)
    maker.left = files
    kinds = [maker.film] * 8 + [maker.show] * 3 + [maker.legacy] * 3 + [maker.media] * 5 + [maker.orphan]
    maker.cache(files // 20)
    for number in range(bundles):
        width = max(2, round(maker.left / (bundles - number)))
        kinds[number % len(kinds)](number, width + maker.random.choice((-1, 0, 1)) if width > 3 else width)
    schema.write(maker.big.database, script or schema.own(), maker.rows.tables())
    return maker.big
