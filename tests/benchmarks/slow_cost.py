"""What a crawl costs where each listing waits: 5,000 folders, 20 ms each, 32 at once.

``python -m tests.benchmarks.slow_cost [FOLDERS]`` runs a first crawl and a full one through a real job and prints one
JSON object: seconds against folders × 20 ms ÷ 32. The wait is put around the local lister.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .crawl_cost import environment_of
from .tree import OLD

LATENCY, PARALLEL = 0.020, 32


def main(folders: int) -> None:
    with tempfile.TemporaryDirectory(prefix="slow-cost-") as scratch:
        os.environ.update(environment_of(Path(scratch) / "data"))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        tree = make(Path(scratch) / "tree", folders)
        ideal = folders * LATENCY / PARALLEL
        figures: dict[str, float] = {"folders": folders, "ideal": round(ideal, 2)}
        for step, scope in (("first", {}), ("full", {"full": True})):
            figures[step] = round(_crawl(tree, scope, folders) / ideal, 3)
        sys.stdout.write(json.dumps(figures) + "\n")


def make(top: Path, folders: int) -> Path:
    """Make so many folders, nine files in each that holds none."""
    for number in range(folders - 1 - folders // 100):
        folder = top / f"{number % (folders // 100)}" / f"{number}"
        folder.mkdir(parents=True)
        for name in range(9):
            (folder / f"{name}.mkv").touch()
        os.utime(folder, (OLD, OLD))
    for folder in top.iterdir():
        os.utime(folder, (OLD, OLD))
    os.utime(top, (OLD, OLD))
    return top


def _crawl(tree: Path, scope: dict[str, Any], folders: int) -> float:
    from mediasync.jobs import services
    from mediasync.jobs.drain import drain
    from mediasync.jobs.models import Stage
    from monitors import listers
    from monitors.models import Root
    from monitors.walk import Listing

    class Slow(listers.Local):
        def listing(self, below: bytes) -> Listing:
            time.sleep(LATENCY)
            return super().listing(below)

    root = Root.objects.get_or_create(path=str(tree), defaults={"name": "slow"})[0]
    listers.KINDS[root.lister] = lambda _: Slow(os.fsencode(tree), None, remote=True, parallel=PARALLEL)
    begun = time.monotonic()
    job = drain(services.submit("crawl", {"root": root.pk, **scope}).job.pk, threads=False)
    spent = time.monotonic() - begun
    result = Stage.objects.get(job=job).result
    if job.state != "completed" or result["listed"] != folders:
        raise SystemExit(f"{job.state}: {result}")
    return spent


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
