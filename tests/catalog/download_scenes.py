"""Downloads in a process of their own, with threads and a database in a file: ``FOLDER full`` and ``FOLDER kills``.

FOLDER has songs/, and gets data/ and library/. Prints one JSON object; test_download_kills.py asserts on it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.jobs.real import forget_lease, fork, one_slice, prepare, work_through

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()


def fill(after: int) -> None:
    """Let the library be full once so many files lie in it."""
    from catalog import rooms
    from catalog.models import FileLocation, StorageBackend

    full = StorageBackend.objects.get(name="music")

    def free(folder: str) -> int:
        here = FileLocation.objects.filter(backend=full).count()
        return 10**6 if folder == full.container_name and here >= after else 10**12

    rooms.free_bytes = free


def kill_at(number: int) -> None:
    """Kill this process at the Nth step: before and after a copy, a move and what is written down."""
    from catalog import fetching, keeping, presence

    left = [number]

    def step() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(module: Any, name: str) -> None:
        real = getattr(module, name)

        def stepping(*args: Any, **kwargs: Any) -> Any:
            step()
            found = real(*args, **kwargs)
            step()
            return found

        setattr(module, name, stepping)

    around(fetching, "_copy")
    around(fetching, "place")
    around(keeping, "write")
    around(presence, "refresh")


def full() -> dict[str, Any]:
    """Run a job with ten workers whose folder is full after five files, and name another folder whenever it asks."""
    from catalog import rooms
    from catalog.models import FileLocation
    from mediasync.jobs import services
    from mediasync.jobs.choices import Source
    from mediasync.jobs.drain import drain
    from mediasync.jobs.models import Event, Item
    from tests.catalog.downloading import library, playlist, source

    source("library", "home", folder=str(FOLDER / "songs"))
    playlist("all", *((path.stem, "Artist") for path in sorted((FOLDER / "songs").iterdir())))
    library(FOLDER)
    job = services.submit("download_only", {"workers": 10}).job
    fill(after=5)
    job = drain(job.pk, threads=True)
    items = Item.objects.filter(stage__name="download")
    found: dict[str, Any] = {"paused": [job.state, job.reason_code], "pauses": 0}
    while (room := rooms.full_room(job)) is not None and found["pauses"] < 5:
        found["pauses"] += 1
        found["first"] = FileLocation.objects.filter(backend=room).count()
        found["states"] = sorted(set(items.values_list("state", flat=True)))
        rooms.move_on(job, str(FOLDER / "other"), actor="test", source=Source.CLI)
        job = drain(job.pk, threads=True)
    return found | {
        "state": job.state,
        "items": sorted(set(items.values_list("state", flat=True))),
        "locations": FileLocation.objects.count(),
        "failures": Event.objects.filter(code__in=("candidate_failed", "search_failed")).count(),
    }


def kills() -> dict[str, Any]:
    """For each step of a download: one that is killed there, and then goes on."""
    from catalog.models import FileLocation
    from mediasync.jobs import services
    from mediasync.jobs.choices import JobState
    from mediasync.jobs.models import Item, Job
    from mediasync.jobs.transitions import transition
    from tests.catalog.downloading import library, playlist, source

    source("library", "home", folder=str(FOLDER / "songs"))
    library(FOLDER)
    died = []
    for number, path in enumerate(sorted((FOLDER / "songs").iterdir()), start=1):
        job = services.submit("download_only", {"playlists": [playlist(path.stem, (path.stem, "Artist")).pk]}).job
        transition(job.pk, JobState.RUNNING, expect=JobState.QUEUED, bump_epoch=True)
        job = Job.objects.get(pk=job.pk)

        def life(job: Job = job, number: int = number) -> None:
            kill_at(number)
            one_slice(job)

        _pid, status = os.waitpid(fork(life), 0)
        died.append(os.WIFSIGNALED(status))
        forget_lease(job)
        work_through(job)
    return {
        "died": died,
        "items": sorted(set(Item.objects.filter(stage__name="download").values_list("state", flat=True))),
        "locations": sorted(FileLocation.objects.filter(status="active").values_list("locator", flat=True)),
        "primary": FileLocation.objects.filter(is_primary=True).count(),
    }


if __name__ == "__main__":
    (FOLDER / "data").mkdir(exist_ok=True)
    prepare(FOLDER / "data")
    answer = {"full": full, "kills": kills}[sys.argv[2]]()
    sys.stdout.write(json.dumps(answer))
