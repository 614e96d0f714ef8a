"""Make the tree that the crawl is measured on: films and series with their companions, by default 1,000,000 files.

``python tests/benchmarks/tree.py TARGET [FILES]`` writes it once; a tree that is complete is left as it is. Sizes are
real but sparse, times lie years back, names are mostly ASCII with some Chinese, Korean and accented ones. The same
number of files always gives the same tree.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

WORDS = "Night River Stone Summer Winter Glass Iron Paper Lost Golden Silent Broken Crown Garden Harbour Signal".split()
FOREIGN = ("流浪地球", "기생충", "Amélie", "Das Boot – Fassung", "七人の侍")
OLD = 1_500_000_000
BELOW_FILM = (".mkv", ".nfo", ".en.srt", ".zh.srt", "-poster.jpg", "-fanart.jpg", "-logo.png", "-thumb.jpg")
BELOW_EPISODE = (".mkv", ".nfo", ".srt", "-thumb.jpg")
MARK = ".complete"


def titles(rng: random.Random) -> Iterator[str]:
    """Yield titles without end, each its own."""
    number = 0
    while True:
        number += 1
        head = rng.choice(FOREIGN) if rng.random() < 0.1 else " ".join(rng.sample(WORDS, 2))
        yield f"{head} {number} ({1950 + number % 76})"


def folders(files: int) -> Iterator[tuple[str, list[str]]]:
    """Yield (folder, names in it) until ``files`` names were given; about 8.7 names a folder."""
    rng = random.Random(files)
    names = titles(rng)
    given = 0
    while given < files:
        title = next(names)
        if rng.random() < 0.8:
            found = list(_film(title, rng))
        else:
            found = list(_series(title, rng))
        for folder, inside in found:
            given += len(inside)
            yield folder, inside


def _film(title: str, rng: random.Random) -> Iterator[tuple[str, list[str]]]:
    folder = f"Films/{title[-5:-1]}/{title}"
    yield folder, [title + suffix for suffix in BELOW_FILM]
    if rng.random() < 0.6:
        yield folder + "/Extras", [f"{WORDS[i]}-extra.mkv" for i in range(rng.randint(1, 4))]
    if rng.random() < 0.3:
        yield folder + "/Actors", [f"{WORDS[i]}.jpg" for i in range(rng.randint(2, 8))]


def _series(title: str, rng: random.Random) -> Iterator[tuple[str, list[str]]]:
    folder = f"Series/{title}"
    yield folder, ["tvshow.nfo", "poster.jpg", "fanart.jpg", "banner.jpg"]
    for season in range(1, rng.randint(2, 5)):
        episodes = [f"{title} - S{season:02}E{episode:02}" for episode in range(1, rng.randint(4, 8))]
        yield f"{folder}/Season {season:02}", [each + suffix for each in episodes for suffix in BELOW_EPISODE]


def make(target: Path, files: int = 1_000_000) -> Path:
    """Write the tree below ``target`` unless it is there already; return its root."""
    root = target / f"tree-{files}"
    mark = target / f"tree-{files}{MARK}"
    if mark.exists():
        return root
    rng = random.Random(files)
    made: set[str] = set()
    for folder, names in folders(files):
        path = os.path.join(root, folder)
        os.makedirs(path, exist_ok=True)
        made.add(path)
        for name in names:
            full = os.path.join(path, name)
            descriptor = os.open(full, os.O_CREAT | os.O_WRONLY, 0o644)
            os.ftruncate(descriptor, rng.randrange(1, 1 << 33) if name.endswith(".mkv") else rng.randrange(1, 1 << 20))
            os.close(descriptor)
            os.utime(full, ns=(OLD * 10**9, (OLD + rng.randrange(10**8)) * 10**9 + rng.randrange(10**9)))
    for directory, _, _ in os.walk(root, topdown=False):
        os.utime(directory, (OLD, OLD + len(directory)))
    mark.touch()
    return root


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
