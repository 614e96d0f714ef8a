"""A whole engine in a folder of its own: real processes over a real SQLite file, for tests that kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mediasync.core import processes

REPOSITORY = Path(__file__).resolve().parents[2]


class Engine:
    """``start()`` a worker, ask it things through ``manage.py``, ``kill()`` parts of it; ``end()`` leaves nothing."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.ledger = folder / "ledger.txt"
        self.ledger.touch()
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.jobs.settings_kill",
            "MEDIASYNC_DATA": str(folder),
            "MEDIASYNC_ENV_FILE": str(folder / "none.env"),
            "DATABASE_URL": f"sqlite:///{folder}/mediasync.sqlite3",
            "LOG_LEVEL": "INFO",
            "Q_LOG_LEVEL": "INFO",  # ``start`` waits for a line of it
            **settings,
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        self._sessions: set[int] = set()
        self.manage("migrate", "-v0")

    def manage(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command to its end and return what it printed; its exit code must be one of ``codes``."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode in codes, (done.returncode, done.stdout, done.stderr, self.log())
        return done.stdout

    def start(self) -> subprocess.Popen[bytes]:
        """Start ``manage.py worker`` in a session of its own and wait until its cluster carries messages."""
        with (self.folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        self.wait(lambda: self.log().count("Processed 'mediasync.jobs.courier.beat") >= len(self.workers), seconds=30)
        self.note_sessions()
        return worker

    def note_sessions(self) -> None:
        """Remember the cluster of now, so that it is ended with the rest."""
        self._sessions.add(self.cluster())

    def cluster(self) -> int:
        """Return the session (and the master's pid) of the running cluster."""
        return int((self.folder / "worker.session").read_text())

    def log(self) -> str:
        path = self.folder / "worker.log"
        return path.read_text() if path.exists() else ""

    def submit(self, **scope: Any) -> int:
        """Submit a ``ledger`` job and return its id."""
        text = json.dumps({"ledger": str(self.ledger), **scope})
        return int(json.loads(self.manage("jobs", "run", "ledger", "--scope", text, "--json", codes=(0, 75)))["id"])

    def job(self, pk: int) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.manage("jobs", "show", str(pk), "--json"))
        return document

    def written(self) -> Counter[str]:
        """Return how often each item was done."""
        return Counter(line.split()[0] for line in self.ledger.read_text().splitlines())

    def writers(self) -> list[int]:
        """Return the pids that did the items, in order."""
        return [int(line.split()[1]) for line in self.ledger.read_text().splitlines()]

    def wait(self, condition: Callable[[], Any], *, seconds: float = 30, every: float = 0.05) -> float:
        """Wait (in real time, these are real processes) until ``condition``; return how long that took."""
        begun = time.monotonic()
        while not condition():
            waited = time.monotonic() - begun
            assert waited < seconds, f"nothing after {waited:.0f} s\n{self.log()[-4000:]}"
            time.sleep(every)
        return time.monotonic() - begun

    def processes(self) -> list[processes.Process]:
        """Return everything that lives of all that was started."""
        for worker in self.workers:
            self._sessions.add(worker.pid)
        return [each for session in self._sessions for each in processes.members(session)]

    def kill_all(self) -> None:
        """``kill -9`` to supervisor and cluster at once."""
        for process in self.processes():
            os.kill(process.pid, signal.SIGKILL)
        for worker in self.workers:
            worker.wait()

    def end(self) -> None:
        self.kill_all()


def running(folder: Path, **settings: str) -> Iterator[Engine]:
    """For fixtures."""
    engine = Engine(folder, **settings)
    try:
        yield engine
    finally:
        engine.end()
