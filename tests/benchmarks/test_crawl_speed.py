"""The crawl stays within its bounds on a small tree; crawl_cost.py and slow_cost.py measure whole commands.

Processor time is compared, not seconds on the wall: it hardly changes when the machine is busy with something else. The
yardstick is ``find -printf``, which makes the same calls of the system.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from monitors.crawl import crawl
from monitors.models import Root
from monitors.run import Asked
from tests.monitors.crawling import Ctx

from .crawl_cost import TOP, change
from .tree import make

FILES = 40_000
BOUNDS = {"first": 4.5, "again": 0.6, "changed": 1.2, "full": 4.0}  # × find, of processor time


def spent() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def find(tree: Path) -> float:
    begun = spent()
    subprocess.run(["find", str(tree), "-printf", "%p %s %T@\\n"], stdout=subprocess.DEVNULL, check=True)
    return spent() - begun


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_crawl_costs_little_more_than_find(tmp_path: Path) -> None:
    tree = make(tmp_path, FILES)
    root = Root.objects.create(name="bench", path=str(tree))
    find(tree)
    yardstick = min(find(tree) for _ in range(3))
    figures = {}
    for step in BOUNDS:
        if step == "changed":
            change(tree, 0)
        root.refresh_from_db()
        begun = spent()
        summary = crawl(root, Asked(full=step == "full"), Ctx(FakeClock()))
        figures[step] = round((spent() - begun) / yardstick, 2)
        if step == "changed":
            assert summary.added > FILES / 9 / 100 / 2
    assert summary.files > FILES
    assert {step: ratio for step, ratio in figures.items() if ratio > BOUNDS[step]} == {}, figures


@pytest.mark.slow
def test_slow_folders_are_listed_as_fast_as_they_allow() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.slow_cost", "1600"]
    found = subprocess.run(command, cwd=TOP, env=os.environ, capture_output=True, text=True, timeout=120, check=True)
    figures = json.loads(found.stdout)
    assert max(figures["first"], figures["full"]) <= 1.8, figures
