"""A burst over a real database, run by ``manage.py shell`` in a process of its own; prints JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from django.db import connection

from mediasync.core import clock
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Job
from monitors.hints import intake
from monitors.hints import services as hints
from monitors.hints.notices import Notice, Source
from monitors.models import Hint, Root

ROOTS, FOLDERS, FILES, ADDERS = 3, 2000, 10_000, 4
HOOK = Source("sonarr", "sonarr", debounce=0.0)


def burst(top: str) -> None:
    """Let four threads take in 10,000 files, some twice, while one settles and jobs begin."""
    paths = _files(Path(top))
    problems: list[str] = []
    added = threading.Event()

    def add(number: int) -> None:
        try:
            mine = paths[number::ADDERS] + paths[(number + 1) % ADDERS :: ADDERS * 10]
            for start in range(0, len(mine), 100):
                intake.take_in([Notice(path) for path in mine[start : start + 100]], HOOK)
        except Exception as error:
            problems.append(repr(error))
        finally:
            connection.close()

    def settle() -> None:
        try:
            rounds = 0
            while not added.is_set() or Hint.objects.filter(state="waiting").exists():
                hints.settle()
                rounds += 1
                if rounds % 3 == 0:  # as a worker would
                    Job.objects.filter(state=JobState.QUEUED).update(state=JobState.RUNNING)
        except Exception as error:
            problems.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(ADDERS)]
    settler = threading.Thread(target=settle)
    begun = time.monotonic()
    for thread in (settler, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    taken_in = time.monotonic() - begun
    added.set()
    settler.join()
    seen = {"problems": problems, "jobs": Job.objects.count(), "lost": _lost(paths), "taken in": taken_in}
    sys.stdout.write(json.dumps(seen | {"settled": time.monotonic() - begun}))


def _files(top: Path) -> list[str]:
    """Make the roots and their files, which are old."""
    long_ago = clock.system.now().timestamp() - 3600
    for number in range(ROOTS):
        Root.objects.create(name=f"R{number}", path=str(top / f"r{number}"))
    paths = []
    for number in range(FILES):
        folder = top / f"r{number % FOLDERS % ROOTS}" / f"Show {number % FOLDERS}"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"e{number}.mkv"
        file.write_bytes(b"x")
        os.utime(file, (long_ago, long_ago))
        paths.append(str(file))
    return paths


def _lost(paths: list[str]) -> int:
    """Count the files of which no job was told."""
    tops = dict(Root.objects.values_list("pk", "path"))
    told = {job.pk: (tops[job.scope["root"]], set(job.scope["paths"])) for job in Job.objects.all()}
    found = set()
    for root_id, folder, name, job_id in Hint.objects.values_list("root_id", "path", "name", "job_id"):
        top, folders = told[job_id or 0]
        if top == tops[root_id] and folder in folders:
            found.add(f"{top}/{folder}/{name}")
    return len(set(paths) - found)
