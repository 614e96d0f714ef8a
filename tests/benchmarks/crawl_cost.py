"""What a crawl costs: whole ``manage.py crawl`` commands against ``find -printf`` over the same tree, in one run.

``python -m tests.benchmarks.crawl_cost [FILES] [ROUNDS]`` prints a table on stderr and one JSON object: the ratios of
medians, and the most memory that a command and its children held. The tree is kept in MEDIASYNC_BENCH_DIR if that is
set. DATABASE_URL may name a PostgreSQL; its mediasync tables are emptied in each round.
"""

from __future__ import annotations

import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from .tree import OLD, make

TOP = Path(__file__).resolve().parent.parent.parent
STEPS = ("first", "again", "changed", "full")


def main(files: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="crawl-cost-") as scratch:
        root = make(Path(os.environ.get("MEDIASYNC_BENCH_DIR") or scratch), files)
        seconds: dict[str, list[float]] = defaultdict(list)
        memory: dict[str, int] = defaultdict(int)
        for number in range(rounds):
            _round(root, Path(scratch) / f"data-{number}", number, seconds, memory)
        find = statistics.median(seconds["find"])
        figures: dict[str, float] = {"files": files, "find": round(find, 2)}
        for step in STEPS:
            figures[step] = round(statistics.median(seconds[step]) / find, 3)
            sys.stderr.write(f"{step:8} {figures[step]:6.3f} × find  {memory[step]:4} MB  {seconds[step]}\n")
        sys.stdout.write(json.dumps(figures | {"peak_mb": max(memory.values())}) + "\n")


def _round(root: Path, data: Path, number: int, seconds: dict[str, list[float]], memory: dict[str, int]) -> None:
    """Run every step once, with a database of its own."""
    environment = environment_of(data)
    manage = [sys.executable, str(TOP / "manage.py")]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
    subprocess.run([*manage, "flush", "--no-input", "-v0"], env=environment, check=True)
    find(root)  # warm the cache
    commands: dict[str, Sequence[str]] = {
        "first": ["--add", str(root)],
        "again": [str(root)],
        "changed": [str(root)],
        "full": ["--full", str(root)],
    }
    for step in STEPS:
        if step == "changed":
            change(root, number)
        seconds["find"].append(find(root))
        spent, peak = measured([*manage, "crawl", "--json", *commands[step]], environment)
        seconds[step].append(spent)
        memory[step] = max(memory[step], peak)


def environment_of(data: Path) -> dict[str, str]:
    """Return the environment of an installation in ``data``."""
    data.mkdir(exist_ok=True)
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
        "MEDIASYNC_DATA": str(data),
        "MEDIASYNC_ENV_FILE": str(data / "none"),
        "SECRET_KEY": "only-for-a-benchmark-but-long-enough-0123456789abcdefghij",
        "LOG_LEVEL": "WARNING",
    }


def find(root: Path) -> float:
    """Return the seconds of the yardstick."""
    begun = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        subprocess.run(["find", str(root), "-printf", "%p %s %T@\\n"], stdout=nowhere, check=True)
    return round(time.monotonic() - begun, 3)


def change(root: Path, number: int) -> None:
    """Put one file into every hundredth folder."""
    for place, (folder, _, _) in enumerate(os.walk(root)):
        if place % 100 == 50:
            path = os.path.join(folder, f"changed {number}.mkv")
            with open(path, "wb") as file:
                file.truncate(number + place)
            os.utime(path, (OLD, OLD))
            stamp = OLD + 10**7 + (os.stat(folder).st_mtime_ns // 10**9 + 1) % 10**6
            os.utime(folder, (stamp, stamp))


def measured(command: Sequence[str], environment: dict[str, str]) -> tuple[float, int]:
    """Run a command; return its seconds and the most MB that it and its children held together."""
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak = [0]
    watcher = threading.Thread(target=watch, args=(process, peak))
    watcher.start()
    code = process.wait()
    spent = time.monotonic() - begun
    watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return round(spent, 3), peak[0] // 1024


def watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    while process.returncode is None:
        peak[0] = max(peak[0], _resident(process.pid))
        time.sleep(0.05)


def _resident(pid: int) -> int:
    """Return the kB of a process and all its children; what they share counts twice."""
    try:
        with open(f"/proc/{pid}/status") as file:
            own = next((int(line.split()[1]) for line in file if line.startswith("VmRSS")), 0)
        for children in glob.glob(f"/proc/{pid}/task/*/children"):  # each thread has those that it started
            with open(children) as file:
                own += sum(_resident(int(child)) for child in file.read().split())
        return own
    except OSError:
        return 0


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:] + ["1000000", "3"][len(sys.argv) - 1 :])))
