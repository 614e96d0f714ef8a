"""Measure an apply (quarantine) against a plain loop of ``os.rename`` of the same files, whole commands, in one run.

``python -m tests.benchmarks.quarantine_cost [FILES] [ROUNDS]`` makes a data folder of so many files, plans the removal
of all that can go file by file, and prints one JSON document: seconds of the loop (which needs no folders: it moves all
files into one), of the apply and of the way back, their ratio (median over the rounds, each against its own loop) and
the peak of memory. Nothing but the applying itself is in the apply: the plan was accepted before.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from .link_cost import TOP, timed

CLASSES = ["unused", "analysis", "cache", "upload"]
LOOP = """
import os, sys
root, away, listing = sys.argv[1:]
for number, path in enumerate(open(listing).read().splitlines()):
    os.rename(f"{root}/{path}", f"{away}/{number}")
"""
BACK = LOOP.replace('f"{root}/{path}", f"{away}/{number}"', 'f"{away}/{number}", f"{root}/{path}"')


def prepare(folder: Path, files: int) -> None:
    """Make the data folder and an accepted plan; note the paths of the plan's files."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from cleanup import services
    from cleanup.models import PlanRow, PlexFolder
    from mediasync.jobs.drain import drain
    from tests.cleanup.plexfolder import big

    call_command("migrate", verbosity=0)
    big.build(folder / "plex", bundles=max(50, files // 12), files=files)
    policy = {"classes": CLASSES, "cache_days": 0, "upload_days": 0, "upload_newest": 0, "most_files": 10_000_000}
    known = PlexFolder.objects.create(name="bench", path=str(folder / "plex"), policy=policy)
    started = services.plan(known, ["all"])
    drain(started.job.pk, threads=False)
    started.run.refresh_from_db()
    services.accept(started.run, files_typed=started.run.facts["sums"]["files"], actor="bench")
    rows = PlanRow.objects.filter(run=started.run, action="file").order_by("id")
    paths = [
        path if base == "data" else f"Cache/PhotoTranscoder/{path}" for base, path in rows.values_list("base", "path")
    ]
    (folder / "paths").write_text("\n".join(paths))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    shutil.copy(Path(os.environ["MEDIASYNC_DATA"]) / "mediasync.sqlite3", folder / "before.sqlite3")


def work(what: str) -> None:
    """Apply or restore the run; in a process of its own."""
    import django

    django.setup()
    from cleanup import services
    from cleanup.models import Run
    from mediasync.jobs.drain import drain

    started = getattr(services, what)(Run.objects.get())
    job = drain(started.job.pk)
    if job.state != "completed":
        raise SystemExit(f"{what}: {job.state} {job.reason_code} {job.reason_params}")


def loop(folder: Path) -> float:
    """Rename all files into one folder, where their numbers are their names, and back; return the seconds there."""
    away = folder / "away"
    away.mkdir()
    os.sync()
    arguments = (str(folder / "plex"), str(away), str(folder / "paths"))
    seconds, _memory, _user = timed(sys.executable, "-c", LOOP, *arguments)
    timed(sys.executable, "-c", BACK, *arguments)
    away.rmdir()
    return seconds


def one_round(folder: Path, paths: list[str]) -> dict[str, float]:
    data = Path(os.environ["MEDIASYNC_DATA"])
    for old in data.glob("mediasync.sqlite3*"):
        old.unlink()
    shutil.copy(folder / "before.sqlite3", data / "mediasync.sqlite3")
    plain = loop(folder)
    os.sync()
    applied, memory, user = timed(sys.executable, "-m", "tests.benchmarks.quarantine_cost", "apply")
    moved = sum(not os.path.lexists(folder / "plex" / path) for path in paths)
    os.sync()
    restored, more, _user = timed(sys.executable, "-m", "tests.benchmarks.quarantine_cost", "restore")
    back = sum(os.path.lexists(folder / "plex" / path) for path in paths)
    return {
        "loop": plain,
        "apply": applied,
        "apply_user": user,
        "restore": restored,
        "memory": max(memory, more),
        "moved": moved,
        "back": back,
    }


def measure(folder: Path, files: int, rounds: int) -> dict[str, Any]:
    child = os.fork()  # so that this process stays small: a command's peak of memory begins with its parent's
    if not child:
        prepare(folder, files)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("the folder could not be prepared")
    paths = (folder / "paths").read_text().splitlines()
    found = [one_round(folder, paths) for _ in range(rounds)]
    return {
        "files": len(paths),
        **{key: round(statistics.median(each[key] for each in found), 3) for key in found[0]},
        "apply_by_loop": round(statistics.median(each["apply"] / each["loop"] for each in found), 3),
        "restore_by_loop": round(statistics.median(each["restore"] / each["loop"] for each in found), 3),
    }


def main(files: int = 200_000, rounds: int = 3) -> None:
    folder = Path(tempfile.mkdtemp(prefix="mediasync-quarantine-", dir=os.environ.get("MEDIASYNC_BENCH_DIR")))
    try:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(folder / "data"),
            "MEDIASYNC_ENV_FILE": str(folder / "data" / ".env"),
            "SECRET_KEY": "only-for-benchmarks-" + "x1Y" * 15,
            "LOG_LEVEL": "WARNING",
        }
        (folder / "data").mkdir()
        sys.stdout.write(json.dumps(measure(folder, files, rounds)) + "\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    os.chdir(TOP)
    if sys.argv[1:2] in (["apply"], ["restore"]):
        work(sys.argv[1])
    else:
        main(*map(int, sys.argv[1:]))
