"""What a crawl of a slow mount costs: a real FUSE file system, 20 ms a listing, against ``rclone lsf`` on it.

``python -m tests.benchmarks.fuse_cost [FOLDERS] [ROUNDS]`` compiles slowfs.c (needs cc, libfuse3-dev, fuse3 and rclone)
and prints one JSON object: whole commands, 32 listings at once, against folders × 20 ms ÷ 32 and against rclone.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .crawl_cost import TOP, environment_of, measured

LATENCY_MS, PARALLEL = 20, 32
NEEDED = ("cc", "pkg-config", "fusermount3", "rclone")


def main(folders: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="fuse-cost-") as scratch, mounted(Path(scratch), folders) as point:
        ideal = (folders + -(-folders // 100) + 1) * LATENCY_MS / 1000 / PARALLEL
        crawl, rclone = [], []
        for number in range(rounds):
            environment = environment_of(Path(scratch) / f"data-{number}")
            manage = [sys.executable, str(TOP / "manage.py")]
            subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
            list_all = ["rclone", "lsf", "-R", "--checkers", str(PARALLEL), "--config", os.devnull, str(point)]
            rclone.append(measured(list_all, dict(os.environ))[0])
            crawl.append(measured([*manage, "crawl", "--json", "--add", str(point)], environment)[0])
        figures = {
            "folders": folders,
            "ideal": round(ideal, 2),
            "rclone": statistics.median(rclone),
            "crawl": statistics.median(crawl),
            "by_ideal": round(statistics.median(crawl) / ideal, 3),
            "by_rclone": round(statistics.median(c / r for c, r in zip(crawl, rclone, strict=True)), 3),
        }
        sys.stdout.write(json.dumps(figures) + "\n")


def missing() -> str:
    """Return what is not installed, "" when all is there."""
    return ", ".join(name for name in NEEDED if not shutil.which(name))


@contextlib.contextmanager
def mounted(scratch: Path, folders: int) -> Iterator[Path]:
    """Compile and mount the slow file system."""
    if lacking := missing():
        raise SystemExit(f"not installed: {lacking}")
    program, point = scratch / "slowfs", scratch / "mount"
    point.mkdir()
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=True)
    source = str(Path(__file__).with_name("slowfs.c"))
    subprocess.run(["cc", "-O2", source, "-o", str(program), *flags.stdout.split()], check=True)
    environment = os.environ | {"SLOWFS_DIRS": str(folders), "SLOWFS_MS": str(LATENCY_MS)}
    process = subprocess.Popen(
        [str(program), str(point), "-f", "-o", "ro,max_threads=64"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10
        while not os.path.ismount(point) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield point
    finally:
        subprocess.run(["fusermount3", "-u", str(point)], check=False)
        process.wait(timeout=10)


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:] + ["5000", "3"][len(sys.argv) - 1 :])))
