"""C10: the cache, by age and by size, the longest unused first."""

from __future__ import annotations

import os
import time
from pathlib import Path

from cleanup.cache_walk import pictures
from cleanup.choices import Klass
from tests.cleanup.planned import plan
from tests.cleanup.plexfolder.builder import DAY, PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample

BASE = "Cache/PhotoTranscoder/"


def cached(plex: PlexBuilder, age: float, name: str = "") -> str:
    """Make a cached picture of 4 KiB that was last used so many days ago; return its path below the cache."""
    digest = sha1(name or f"{age}")
    rel = f"{digest[:2]}/{digest}.jpg"
    plex.file(BASE + rel, b"x" * 4000, age)
    return rel


def test_it_takes_what_was_not_used_for_long(made: Sample) -> None:
    found = plan(made.folder, ["cache"], now_ns=time.time_ns())
    assert {BASE + each.path for each in found.drafts} == {made.paths["cache 40"], made.paths["cache 400"]}
    assert {(each.klass, each.base, each.risk) for each in found.drafts} == {(Klass.CACHE, "cache", "low")}
    found = plan(made.folder, ["cache"], now_ns=time.time_ns(), cache_days=0)
    assert len(found.drafts) == 4 and made.paths["cache foreign"] not in {BASE + each.path for each in found.drafts}


def test_reading_counts_as_use(plex: PlexBuilder) -> None:
    rel = cached(plex, 40)
    folder, now = plex.finish(), time.time()
    os.utime(folder / BASE / rel, (now, now - 40 * DAY))
    assert not plan(folder, ["cache"], now_ns=time.time_ns()).drafts


def test_a_budget_takes_the_longest_unused_first(plex: PlexBuilder) -> None:
    made = [cached(plex, age) for age in (9, 5, 2, 1, 0.5)]
    folder, now = plex.finish(), time.time_ns()
    size = sum(each.blocks * 512 for each, _used in pictures(str(folder / BASE)))
    found = plan(folder, ["cache"], now_ns=now, cache_budget=size * 3 // 5)
    assert {each.path for each in found.drafts} == set(made[:2])
    assert not plan(folder, ["cache"], now_ns=now, cache_budget=size).drafts
    assert len(plan(folder, ["cache"], now_ns=now, cache_budget=1).drafts) == 5


def test_a_budget_is_exact_within_an_hour(plex: PlexBuilder) -> None:
    made = [cached(plex, 2 + number / 10_000, f"n{number}") for number in range(10)]
    folder, now = plex.finish(), time.time_ns()
    size = sum(each.blocks * 512 for each, _used in pictures(str(folder / BASE)))
    found = plan(folder, ["cache"], now_ns=now, cache_budget=size * 7 // 10)
    assert {each.path for each in found.drafts} == set(made[7:])


def test_links_and_strange_names_are_no_pictures(plex: PlexBuilder, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    precious = tmp_path / "outside" / f"{sha1('x')}.jpg"
    precious.write_text("mine")
    plex.link(f"{BASE}ab", str(tmp_path / "outside"))
    plex.link(f"{BASE}cd/{sha1('y')}.jpg", str(precious))
    for name in (f"{sha1('z')}.txt", "poster.jpg", f"{sha1('z').upper()}.jpg"):
        plex.file(f"{BASE}ef/{name}")
    assert not plan(plex, ["cache"], cache_days=0).drafts
