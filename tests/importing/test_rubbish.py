"""Configurations with wrong values anywhere: each is taken over as far as it goes, or refused with a sentence."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import transaction

from tests.monitors.kinds import only_crawl

from .helpers import CONFIGS, run, write

pytestmark = pytest.mark.django_db
RUBBISH: list[Any] = [
    *(None, "", 0, -1, 1.5, True, "9" * 400, "\ud800", "a\x00b", "电视", "x", "${NOT_SET}", "\\", "(", "$", "1h"),
    *("/a", "//", "../..", "C:\\x", "^/a/(.*)$", "[[:x:]]", "http://[::1", "http://x:y", "-0x1", "/" + "a/" * 3000),
    *([], ["x"], [[1]], [None], [{"from": "/a"}], {}, {"a": 1}, {"": ""}, {"x": None}, {"from": "/a", "to": {}}),
]


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value."""
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, value in below:
        yield (*path, name)
        yield from places(value, (*path, name))


def spoil(tree: Any, chance: random.Random) -> None:
    """Put rubbish in one place."""
    *above, last = chance.choice([path for path in places(tree) if path])
    for name in above:
        tree = tree[name]
    tree[last] = copy.deepcopy(chance.choice(RUBBISH))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["autoscan.yml", "autopulse.yaml", "pps.yaml", "pps-old.yaml"])
def test_it_bears_rubbish_anywhere(tmp_path: Path, name: str, seed: int) -> None:
    chance = random.Random(f"{name} {seed}")
    good = yaml.safe_load((CONFIGS / name).read_text().replace("@LOCAL@", str(tmp_path)))
    for _again in range(8):
        tree = copy.deepcopy(good)
        for _place in range(chance.randint(1, 3)):
            spoil(tree, chance)
        path = write(tmp_path, "c.json", json.dumps(tree))
        with transaction.atomic():
            out, code = run(path)
            transaction.set_rollback(True)
        assert code in (0, 2) and out and "-secret" not in out.replace("discord", ""), (out, tree)
