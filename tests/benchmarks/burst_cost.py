"""A burst of 10,000 files told by a hook: do the pages answer on, and is nothing lost when the watcher is killed?

Run as a script (``python -m tests.benchmarks.burst_cost [KILLS]``) with web, worker and watcher at work, on SQLite or
on DATABASE_URL; prints one JSON object. Two readers ask for the login page all the time; ``p99_ms`` is theirs from the
first call of the burst until the last file is known, ``quiet_p99_ms`` that of the time before.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.installation import Installation, wait_for

from .hook_cost import ask, at, timed

FIRST, NEXT = 0.3, 1.5  # seconds: while it works; while one that starts works
ROOTS, FOLDERS, FILES, A_CALL, CLIENTS, READERS = 3, 2000, 10_000, 100, 4, 2
COUNT = """
from mediasync.jobs.models import Job
from monitors.models import File, Hint, Payload
said = Hint.objects.filter(source="burst")
print(json.dumps({
    "files": File.objects.count(), "received": Payload.objects.filter(state="received").count(),
    "said": said.values("root", "path", "name").distinct().count(),
    "waiting": said.filter(state="waiting").count(), "untaken": said.exclude(state="taken").count(),
    "jobs": Job.objects.filter(actor="burst").count(),
    "open": Job.objects.filter(state__in=["scheduled", "queued", "running", "interrupted"], kind="sync").count(),
    "failed": Job.objects.filter(state__in=["failed", "completed_with_errors"]).count()}))
"""


def burst(folder: Path, kills: int, **environment: str) -> dict[str, Any]:
    """Play it in a folder and return the figures."""
    here = Installation(folder)
    here.environment |= {"HINT_DEBOUNCE": "burst=0", **environment}
    assert here.up("--prepare-only").wait(timeout=120) == 0
    address = here.python(
        "import os\nfrom monitors import services\nfrom monitors.hooks import services as hooks\n"
        "from mediasync.jobs import drain\n"
        f"for n in range({ROOTS}):\n"
        f"    os.makedirs({str(folder)!r} + f'/r{{n}}/Old')\n"
        f"    root = services.add_root({str(folder)!r} + f'/r{{n}}', crawl=False, watch=False, every=0)\n"
        "    drain.drain(services.request_crawl(root).job.pk)\n"
        "print(json.dumps(hooks.url_of(hooks.add_hook('burst', 'generic'))))"
    )
    paths = files(folder)
    here.up()
    try:
        here.wait_ready()
        with Readers(here.address) as before:
            time.sleep(5)
        begun = time.monotonic()
        with Readers(here.address) as readers:
            told = threading.Thread(target=tell, args=(here.address, urlsplit(address).path, paths))
            told.start()
            seen = [kill_watcher(here, FIRST if not number else NEXT) for number in range(kills)]
            told.join()
            wait_for(lambda: done(here), 300, lambda: f"{here.python(COUNT)}\n{here.log.read_text()[-4000:]}")
            took = time.monotonic() - begun
        figures = here.python(COUNT)
    finally:
        here.kill_all()
    return figures | {
        "killed_at": seen,
        "lost": FILES - min(figures["files"], figures["said"]),
        "seconds": round(took, 1),
        "asked": len(readers.took),
        "refused": readers.refused + before.refused,
        **{f"p{part}_ms": at(sorted(readers.took), part) for part in (50, 99)},
        "most_ms": at(sorted(readers.took), 100),
        **{f"quiet_p{part}_ms": at(sorted(before.took), part) for part in (50, 99)},
    }


def files(folder: Path) -> list[str]:
    """Make the files, which have been at rest for an hour."""
    hour_ago = time.time() - 3600
    paths = []
    for number in range(FILES):
        place = folder / f"r{number % FOLDERS % ROOTS}" / f"Show {number % FOLDERS}"
        place.mkdir(exist_ok=True)
        file = place / f"e{number}.mkv"
        file.write_bytes(b"x")
        os.utime(file, (hour_ago, hour_ago))
        paths.append(str(file))
    return paths


def tell(address: str, hook: str, paths: list[str]) -> None:
    """Call the hook, each call with so many paths, from some clients at once."""
    bodies = [json.dumps({"paths": paths[start : start + A_CALL]}).encode() for start in range(0, FILES, A_CALL)]
    timed(lambda number: ask(address, "POST", hook, bodies[number]), len(bodies), CLIENTS)


def kill_watcher(here: Installation, after: float) -> dict[str, int]:
    """SIGKILL the watcher some seconds after it is seen; return what was left to do."""

    def watcher() -> list[int]:
        return [pid for pid, command in here.processes().items() if "manage.py watch" in command]

    wait_for(watcher, 60)
    time.sleep(after)
    for pid in watcher():
        os.kill(pid, signal.SIGKILL)
    left: dict[str, int] = here.python(COUNT)
    return {name: left[name] for name in ("received", "waiting", "said")}


def done(here: Installation) -> bool:
    count = here.python(COUNT)
    return not (count["received"] or count["waiting"] or count["open"]) and bool(count["said"])


class Readers:
    """People who ask for the login page all the time; ``refused`` counts what was no page."""

    def __init__(self, address: str) -> None:
        self._address, self._stop = address, threading.Event()
        self.took: list[float] = []
        self.refused = 0
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        while not self._stop.wait(0.05):
            begun = time.perf_counter()
            try:
                ask(self._address, "GET", "/admin/login/")
            except (AssertionError, OSError):
                self.refused += 1
            self.took.append((time.perf_counter() - begun) * 1000)


def main(kills: int) -> None:
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="burst-cost-") as folder:
        figures = burst(Path(folder), kills, **({"DATABASE_URL": url} if url else {}))
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
