"""What a plan costs: index, walk, rules and rows of a whole data folder against ``find -printf`` over it, in one run.

``python -m tests.benchmarks.plan_cost [FILES] [ROUNDS]`` prints one JSON object, ratios of medians in multiples of
``find`` over the same folder: ``walk`` (the walk alone) and ``typical`` (everything, with its rows) of a folder as
most libraries have it, ``orphans`` (the steps that take whole bundles) and ``worst`` (everything, a row for nearly each
file) of one where nearly all may go; the rows of both, and the most MB of a plan with its child processes. The folders
are kept in MEDIASYNC_BENCH_DIR if that is set.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

from .crawl_cost import TOP, environment_of, find, watch

KINDS = ("typical", "worst")
ORPHANS, ALL = ["bundle:metadata:1", "bundle:media:1"], ["all"]
PARTS = {"walk": ("typical", []), "typical": ("typical", ALL), "orphans": ("worst", ORPHANS), "worst": ("worst", ALL)}


def main(files: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="plan-cost-") as scratch:
        places = {kind: Path(os.environ.get("MEDIASYNC_BENCH_DIR") or scratch) / f"{kind}-{files}" for kind in KINDS}
        environment = environment_of(Path(scratch) / "data")
        for kind, place in places.items():
            if not place.exists():
                child(environment, "make", str(place), kind, str(files))
            find(place)  # warm the cache
        subprocess.run([sys.executable, str(TOP / "manage.py"), "migrate", "-v0"], env=environment, check=True)
        seconds: dict[str, list[float]] = defaultdict(list)
        figures: dict[str, float] = {"files": files, "peak_mb": 0}
        for _ in range(rounds):
            for what, (kind, steps) in PARTS.items():
                seconds[f"find {kind}"].append(find(places[kind]))
                found = child(environment, what, str(places[kind]), *steps)
                seconds[what].append(round(found["seconds"], 3))
                figures["peak_mb"] = max(figures["peak_mb"], found["peak_mb"])
                figures[f"{what}_rows"] = found.get("rows", 0)
        middle = {what: statistics.median(each) for what, each in seconds.items()}
        ratios = {what: round(middle[what] / middle[f"find {kind}"], 2) for what, (kind, _steps) in PARTS.items()}
        sys.stderr.write(f"{dict(seconds)}\n")
        sys.stdout.write(json.dumps(figures | ratios) + "\n")


def child(environment: dict[str, str], *words: str) -> dict[str, float]:
    """Run one part in a process of its own and return what it measured, and the most memory it and its children had."""
    command = [sys.executable, "-m", "tests.benchmarks.plan_cost", "-", *words]
    process = subprocess.Popen(command, cwd=TOP, env=environment, stdout=subprocess.PIPE, text=True)
    peak = [0]
    watcher = threading.Thread(target=watch, args=(process, peak))
    watcher.start()
    said, _nothing = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found | {"peak_mb": peak[0] // 1024}


def part(what: str, place: Path, *words: str) -> dict[str, float]:
    """Do one part in this process: seconds (the start of Python and Django not counted) and memory."""
    import django

    django.setup()
    if what == "make":
        from tests.cleanup.plexfolder import big, typical

        kind, files = words[0], int(words[1])
        if kind == "typical":
            typical.build(place, files=files)
        else:
            big.build(place, files=files, bundles=files * 2 // 25)
        return {}
    return _plan(place, list(words)) if words else _walk(place)


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
        main(*(int(word) for word in (sys.argv[1:] + ["200000", "5"][len(sys.argv) - 1 :])))
