"""A proof whose process is killed: ``python -m tests.scanning.real_proof WHERE FOLDER``; prints JSON.

``WHERE`` is the call during which it dies: ``known`` (the question) or ``look_again`` (what follows the answer).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.jobs.real import fork, prepare


class Client:
    """Knows every path; dies in ``deadly``."""

    unit, batch = "directory", 1

    def __init__(self, log: Path, deadly: str = "") -> None:
        self._log, self._deadly = log, deadly

    def busy(self, key: str) -> bool:
        return False

    def known(self, key: str, paths: Sequence[str], turn: Any) -> dict[str, Any]:
        from mediasync.servers.clients.base import Known

        self._did("known")
        return {path: Known(True, "7") for path in paths}

    def look_again(self, item: str, how: str) -> None:
        self._did("look_again")

    def close(self) -> None:
        pass

    def _did(self, what: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{what}\n")
        if self._deadly == what:
            os.kill(os.getpid(), signal.SIGKILL)


def killed(where: str, folder: Path) -> dict[str, Any]:
    """Have a replaced film proved by two processes; the first dies."""
    from mediasync.jobs.drain import drain
    from mediasync.jobs.models import Job
    from mediasync.servers import services as servers
    from scanning import services
    from scanning.models import ScanRequest

    job_id = services.prove(_told())
    assert job_id is not None
    log = folder / "asked"
    servers.client_for = lambda _server: Client(log, where)  # type: ignore[assignment,return-value]
    os.waitpid(fork(lambda: drain(job_id, threads=False)), 0)
    between = ScanRequest.objects.get().state
    Job.objects.filter(pk=job_id).update(lease_until=None)
    servers.client_for = lambda _server: Client(log)  # type: ignore[assignment,return-value]
    job = drain(job_id, threads=False)
    row = ScanRequest.objects.get()
    found = {"between": between, "job": job.state, "row": row.state, "checks": row.checks}
    return found | {"asked": log.read_text().split()}


def _told() -> int:
    """Note that a server was told of a film with new content; return the server."""
    from mediasync.core.clock import system
    from mediasync.servers.models import Library, Server
    from monitors.models import Change, Root
    from scanning.models import ScanRequest

    now = system.now()
    Server.objects.all().delete()  # where DATABASE_URL names a database that other scenes used
    Root.objects.all().delete()
    server = Server.objects.create(name="p", kind="plex", url="http://127.0.0.1:9", replaced="refresh", pace=0)
    library = Library.objects.create(server=server, key="1", title="Films")
    library.paths.create(path="/m")
    root = Root.objects.create(name="m", path="/m")
    Change.objects.create(root=root, kind="modified", state="told", path="A/1.mkv", told_at=now)
    ScanRequest.objects.create(
        server=server, library=library, path="/m/A", local_path="/m/A", update="Modified", source="crawl",
        state="sent", first_at=now, sent_at=now, verify_at=now,
    )  # fmt: skip
    return server.pk


if __name__ == "__main__":
    prepare(Path(sys.argv[2]))
    sys.stdout.write(json.dumps(killed(sys.argv[1], Path(sys.argv[2]))))
