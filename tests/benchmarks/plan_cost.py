"""What a plan costs: index, walk, rules and rows of a whole data folder against ``find -printf`` over it, in one run.

``python -m tests.benchmarks.plan_cost [FILES] [BUNDLES] [ROUNDS]`` prints one JSON object: ``walk`` (the walk alone),
``orphans`` (the steps that take whole bundles), ``all`` (everything, a row for nearly each file) in multiples of
``find``, the rows of ``all``, and the most memory in MB. The folder is kept in MEDIASYNC_BENCH_DIR if that is set.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from .crawl_cost import TOP, environment_of, find

STEPS = {"orphans": ["bundle:metadata:1", "bundle:media:1"], "all": ["all"]}


def main(files: int, bundles: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="plan-cost-") as scratch:
        place = Path(os.environ.get("MEDIASYNC_BENCH_DIR") or scratch) / f"plex-{files}-{bundles}"
        environment = environment_of(Path(scratch) / "data")
        if not place.exists():
            child(environment, "make", str(place), str(files), str(bundles))
        subprocess.run([sys.executable, str(TOP / "manage.py"), "migrate", "-v0"], env=environment, check=True)
        find(place)  # warm the cache
        seconds: dict[str, list[float]] = defaultdict(list)
        figures: dict[str, float] = {"files": files, "peak_mb": 0}
        for _ in range(rounds):
            for what in ("walk", *STEPS):
                seconds["find"].append(find(place))
                found = child(environment, what, str(place))
                seconds[what].append(found["seconds"])
                figures["peak_mb"] = max(figures["peak_mb"], found["peak_mb"])
                figures["rows"] = found.get("rows", 0)
        yardstick = statistics.median(seconds["find"])
        ratios = {what: round(statistics.median(seconds[what]) / yardstick, 2) for what in ("walk", *STEPS)}
        sys.stderr.write(f"{dict(seconds)}\n")
        sys.stdout.write(json.dumps(figures | ratios | {"find": round(yardstick, 2)}) + "\n")


def child(environment: dict[str, str], *words: str) -> dict[str, float]:
    """Run one part in a process of its own and return what it measured."""
    command = [sys.executable, "-m", "tests.benchmarks.plan_cost", "-", *words]
    done = subprocess.run(command, cwd=TOP, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def part(what: str, place: Path, *numbers: str) -> dict[str, float]:
    """Do one part in this process: seconds (the start of Python and Django not counted) and memory."""
    import django

    django.setup()
    if what == "make":
        from tests.cleanup.plexfolder import big

        big.build(place, files=int(numbers[0]), bundles=int(numbers[1]))
        return {}
    found = _walk(place) if what == "walk" else _plan(place, STEPS[what])
    return found | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def _walk(place: Path) -> dict[str, float]:
    from cleanup.plexdata import layout, places, walk

    begun = time.monotonic()
    data = places.resolve(str(place))
    kinds = [(layout.METADATA, kind) for kind in walk.type_folders(data)]
    for where, kind in (*kinds, (layout.MEDIA, "")):
        for prefix in walk.prefixes(data, where, kind):
            for _bundle in walk.bundles(data, where, kind, prefix):
                pass
    return {"seconds": time.monotonic() - begun}


def _plan(place: Path, steps: list[str]) -> dict[str, float]:
    from cleanup import services
    from cleanup.choices import RunState
    from cleanup.models import PlexFolder
    from mediasync.jobs.drain import drain

    PlexFolder.objects.all().delete()
    started = services.plan(PlexFolder.objects.create(name="bench", path=str(place), policy={"elsewhere": True}), steps)
    begun = time.monotonic()
    drain(started.job.pk)
    spent = time.monotonic() - begun
    started.run.refresh_from_db()
    if started.run.state != RunState.PLANNED:
        raise SystemExit(f"{started.run.state}: {started.run.reason} {started.run.facts.get('why')}")
    return {"seconds": spent, "rows": started.run.facts["sums"]["rows"]}


if __name__ == "__main__":
    if sys.argv[1:2] == ["-"]:
        sys.stdout.write(json.dumps(part(sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])) + "\n")
    else:
        main(*(int(word) for word in (sys.argv[1:] + ["200000", "16000", "3"][len(sys.argv) - 1 :])))
