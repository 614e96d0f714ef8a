"""Measure ``manage.py link`` against ``cp -rs`` of the same files, whole commands, in one run.

``python tests/benchmarks/link_cost.py [FILES] [ROUNDS]`` prints one JSON document: seconds, seconds computed by the
commands themselves (``_user``), ratios (medians over the rounds, each against its own ``cp``) and the peak of memory.
The snapshot is written as a crawl would, not measured.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent.parent
BELOW = 3  # files in a folder


def paths(files: int) -> list[tuple[str, list[str]]]:
    """Return folders with the names in them: series of ten seasons, three episodes each."""
    found = []
    for number in range(-(-files // BELOW)):
        show, season = f"Show {number // 10:05d} (2011)", number % 10
        names = [f"{show} - S{season:02d}E{e:02d}.mkv" for e in range(min(BELOW, files - number * BELOW))]
        found.append((f"Series/{show}/Season {season:02d}", names))
    return found


def make_source(top: Path, files: int) -> None:
    for folder, names in paths(files):
        path = top / folder
        path.mkdir(parents=True)
        for name in names:
            os.close(os.open(path / name, os.O_CREAT | os.O_WRONLY))


def make_rows(source: Path, target: Path, files: int) -> None:
    """Write the root, its snapshot and its rule."""
    from django.core.management import call_command
    from django.db import transaction

    from monitors.models import Directory, File, Root
    from scanning.models import LinkRule

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        root = Root.objects.create(name="bench", path=str(source), every=0, reconcile_every=0, files=files)
        LinkRule.objects.create(root=root, target=str(target))
        ids: dict[str, int] = {}
        for folder, _names in [("", []), *paths(files)]:
            parts = folder.split("/") if folder else []
            for depth in range(len(parts) + 1):
                path = "/".join(parts[:depth])
                if path not in ids:
                    ids[path] = len(ids) + 1
        directories = [
            Directory(
                pk=pk, root=root, path=path, parent_id=ids[path.rpartition("/")[0]] if path else None, signature=pk
            )
            for path, pk in ids.items()
        ]
        Directory.objects.bulk_create(directories, batch_size=5000)
        rows = [
            File(directory_id=ids[folder], name=name, size=0, mtime_ns=0)
            for folder, names in paths(files)
            for name in names
        ]
        File.objects.bulk_create(rows, batch_size=5000)


def timed(*command: str) -> tuple[float, float, float]:
    """Run a command; return its seconds, its peak of memory in MB, and the seconds it computed, children included."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=TOP)
    errors = process.stderr.read() if process.stderr else b""
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}: {errors.decode()}")
    return seconds, usage.ru_maxrss / 1024, usage.ru_utime


def one_round(folder: Path, source: Path, target: Path) -> dict[str, float]:
    """Copy, link, link again; in a database without links."""
    data = Path(os.environ["MEDIASYNC_DATA"])
    for old in data.glob("mediasync.sqlite3*"):
        old.unlink()
    shutil.copy(folder / "before.sqlite3", data / "mediasync.sqlite3")
    for old in (folder / "copy", target):
        shutil.rmtree(old, ignore_errors=True)
    os.sync()
    copy, _, _computed = timed("cp", "-rs", str(source), str(folder / "copy"))
    shutil.rmtree(folder / "copy")
    os.sync()
    first, memory, first_user = timed(sys.executable, "manage.py", "link", "bench")
    again, memory_again, again_user = timed(sys.executable, "manage.py", "link", "bench")
    return {
        "cp": copy,
        "first": first,
        "again": again,
        "memory": max(memory, memory_again),
        "first_user": first_user,
        "again_user": again_user,
    }


def prepare(source: Path, target: Path, files: int, folder: Path) -> None:
    """Write the tree and the database without links."""
    make_source(source, files)
    import django

    django.setup()
    make_rows(source, target, files)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    shutil.copy(Path(os.environ["MEDIASYNC_DATA"]) / "mediasync.sqlite3", folder / "before.sqlite3")


def measure(files: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Return the figures; the folder must be on a disk, not in memory."""
    source, target = folder / "source", folder / "target"
    child = os.fork()  # so that this process stays small: a command's peak of memory begins with its parent's
    if not child:
        prepare(source, target, files, folder)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("the tree could not be prepared")
    found = [one_round(folder, source, target) for _ in range(rounds)]
    made = sum(len(names) for _top, _folders, names in os.walk(target))
    return {
        "files": files,
        "made": made,
        **{key: round(statistics.median(each[key] for each in found), 3) for key in found[0]},
        "first_by_cp": round(statistics.median(each["first"] / each["cp"] for each in found), 3),
        "again_by_first": round(statistics.median(each["again"] / each["first"] for each in found), 3),
        "first_by_again_user": round(statistics.median(e["first_user"] / e["again_user"] for e in found), 3),
    }


def main(files: int = 100_000, rounds: int = 3) -> None:
    sys.path.insert(0, str(TOP))
    folder = Path(tempfile.mkdtemp(prefix="mediasync-links-", dir=os.environ.get("MEDIASYNC_BENCH_DIR")))
    try:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(folder / "data"),
            "MEDIASYNC_ENV_FILE": str(folder / "data" / ".env"),
            "SECRET_KEY": "only-for-benchmarks-" + "x1Y" * 15,
            "LOG_LEVEL": "WARNING",
        }
        (folder / "data").mkdir()
        sys.stdout.write(json.dumps(measure(files, rounds, folder)) + "\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
