"""``make bench``: every figure that README gives, measured anew, each a ratio of whole commands in one run.

``python -m tests.benchmarks [NAME …]`` runs all, or those named. Ends with 1 when a bound is broken. Runs for some ten
minutes; anything else that the machine does meanwhile makes the figures worse.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests import postgres

from . import fuse_cost
from .crawl_cost import TOP

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """One line of the table."""

    what: str
    key: str
    most: float
    unit: str = "×"


BOUNDS: dict[str, tuple[Bound, ...]] = {
    "crawl": (
        Bound("first crawl of 1,000,000 files ÷ find -printf", "first", 2.0),
        Bound("again, nothing changed ÷ find -printf", "again", 0.35),
        Bound("again, 1 % of the folders changed ÷ find -printf", "changed", 0.45),
        Bound("every folder listed anew, nothing changed ÷ find -printf", "full", 2.0),
        Bound("most memory, children included", "peak_mb", 200, "MB"),
    ),
    "postgresql": (Bound("first crawl on PostgreSQL ÷ the same on SQLite", "by_sqlite", 1.5),),
    "slow": (
        Bound("5,000 folders of 20 ms each, 32 at once ÷ the least possible", "by_ideal", 1.3),
        Bound("the same ÷ rclone lsf --checkers 32", "by_rclone", 1.0),
    ),
    "links": (
        Bound("100,000 links with their rows ÷ cp -rs", "first_by_cp", 1.0),
        Bound("again, all right ÷ the first time", "again_by_first", 0.2),
    ),
    "quarantine": (
        Bound("putting files of a Plex folder of 200,000 away ÷ a plain loop of os.rename", "apply_by_loop", 3.0),
        Bound("bringing them back ÷ the same loop", "restore_by_loop", 3.5),
        Bound("most memory", "memory", 300, "MB"),
    ),
    "hooks": (
        Bound("a webhook, from its connection to our 2xx, p99 of 2,000 from 4 senders", "p99_ms", 100, "ms"),
        Bound("its median ÷ that of /healthz", "by_peer", 4.0),
        Bound("10,000 files taken in as hints ÷ plain executemany", "burst_by_bare", 4.0),
    ),
    "plan": (
        Bound("clean-up: plan of a usual folder, 97,000 rows ÷ find -printf (aim: 1.5)", "typical", 2.5),
        Bound("clean-up: plan of whole bundles where nearly all may go ÷ find -printf", "orphans", 3.0),
        Bound("clean-up: plan of everything there, a row for each file ÷ find -printf", "worst", 6.0),
        Bound("most memory, children included", "peak_mb", 300, "MB"),
    ),
    "engine": (
        Bound("100,000 trivial items ÷ plain executemany", "ratio", 6.0),
        Bound("most memory", "peak_mb", 250, "MB"),
    ),
}


def script(name: str, *arguments: str, **environment: str) -> Figures:
    """Run one of the scripts beside this file and return the JSON that it prints last."""
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments]
    done = subprocess.run(
        command, cwd=TOP, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def crawl() -> Figures:
    return script("crawl_cost")


def postgresql() -> Figures:
    """Both databases in one run, each against its own ``find``."""
    if postgres.binaries() is None:
        raise LookupError("PostgreSQL is not installed")
    lite = script("crawl_cost", "300000", "3")
    with postgres.server() as url:
        big = script("crawl_cost", "300000", "3", DATABASE_URL=url)
    return {"by_sqlite": round(big["first"] / lite["first"], 3)}


def slow() -> Figures:
    if lacking := fuse_cost.missing():
        raise LookupError(f"not installed: {lacking}")
    return script("fuse_cost")


def links() -> Figures:
    return script("link_cost")


def quarantine() -> Figures:
    return script("quarantine_cost")


def hooks() -> Figures:
    return script("hook_cost")


def plan() -> Figures:
    return script("plan_cost")


def engine() -> Figures:
    return script("engine_cost")


RUNS: dict[str, Callable[[], Figures]] = {
    "crawl": crawl,
    "postgresql": postgresql,
    "slow": slow,
    "links": links,
    "quarantine": quarantine,
    "hooks": hooks,
    "plan": plan,
    "engine": engine,
}


def main(names: list[str]) -> int:
    broken = 0
    for name in names or RUNS:
        try:
            figures = RUNS[name]()
        except LookupError as error:
            sys.stdout.write(f"{name}: not measured: {error}\n")
            continue
        for bound in BOUNDS[name]:
            value = figures[bound.key]
            broken += value > bound.most
            verdict = "" if value <= bound.most else "   BROKEN"
            sys.stdout.write(f"{bound.what:80} {value:8.2f} {bound.unit} (≤ {bound.most:g}){verdict}\n")
            sys.stdout.flush()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
