"""Scenes with real processes and a database file: ``python -m tests.scanning.real SCENE FOLDER``; each prints JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.jobs.real import fork, prepare

PROCESSES, EVENTS, PATHS = 8, 200, 5


def crowd() -> dict[str, Any]:
    """Eight processes note 200 changes each on five paths while a ninth takes rows away to send them."""
    from django.db.models import Count, Sum

    from scanning.models import ScanRequest

    server, library = _server()
    children = [fork(lambda: _events(server.pk, library.pk)) for _ in range(PROCESSES)]
    sender = fork(_take_away)
    codes = [os.waitpid(pid, 0)[1] for pid in children]
    os.kill(sender, signal.SIGTERM)
    os.waitpid(sender, 0)
    waiting = ScanRequest.objects.filter(state="waiting").values("path").annotate(rows=Count("id"))
    return {
        "codes": codes,
        "hits": ScanRequest.objects.aggregate(hits=Sum("hits"))["hits"],
        "most_waiting": max((each["rows"] for each in waiting), default=0),
        "sent": ScanRequest.objects.filter(state="sent").count(),
    }


def _events(server_id: int, library_id: int) -> None:
    from mediasync.core.clock import system
    from mediasync.servers.models import Server
    from scanning.requests import Wanted, request_many
    from scanning.units import Unit

    server = Server.objects.get(pk=server_id)
    for number in range(EVENTS):
        if number == EVENTS // 2:
            _until_something_is_sent()
        path = f"/m/{number % PATHS}"
        request_many(server, [Wanted(Unit(path, path, "Modified", True), library_id)], system.now())


def _until_something_is_sent() -> None:
    """Let the sender have its turn: on a busy machine eight writers could keep it from the database to the end."""
    import time

    from scanning.models import ScanRequest

    for _ in range(600):
        if ScanRequest.objects.filter(state="sent").exists():
            return
        time.sleep(0.05)


def _take_away() -> None:
    import time

    from scanning.models import ScanRequest

    while True:
        for pk in list(ScanRequest.objects.filter(state="waiting").values_list("id", flat=True)):
            ScanRequest.objects.filter(pk=pk, state="waiting").update(state="sending")
            ScanRequest.objects.filter(pk=pk, state="sending").update(state="sent")
        time.sleep(0.05)


def crash() -> dict[str, Any]:
    """A process is killed when the server has the request and the row does not know it; another goes on."""
    from mediasync.core.clock import system
    from mediasync.jobs.drain import drain
    from mediasync.jobs.models import Job
    from mediasync.servers import services as servers
    from scanning import services
    from scanning.models import ScanRequest
    from scanning.requests import Wanted, request_many
    from scanning.units import Unit

    folder = Path(sys.argv[2])
    (folder / "A").mkdir()
    server, library = _server(str(folder))
    unit = Unit(str(folder / "A"), str(folder / "A"), "Created", True)
    request_many(server, [Wanted(unit, library.pk)], system.now(), at_once=True)
    job_id = services.deliver(server.pk)
    assert job_id is not None
    log = folder / "asked"
    servers.client_for = lambda _server: _Client(log, deadly=True)  # type: ignore[assignment,return-value]
    os.waitpid(fork(lambda: drain(job_id, threads=False)), 0)
    between = ScanRequest.objects.get().state
    Job.objects.filter(pk=job_id).update(lease_until=None)
    servers.client_for = lambda _server: _Client(log, deadly=False)  # type: ignore[assignment,return-value]
    job = drain(job_id, threads=False)
    row = ScanRequest.objects.get()
    return {"between": between, "job": job.state, "row": row.state, "asked": log.read_text().split("\n")[:-1]}


class _Client:
    unit, batch = "directory", 1

    def __init__(self, log: Path, deadly: bool) -> None:
        self._log, self._deadly = log, deadly

    def scan(self, targets: Sequence[Any]) -> Any:
        from mediasync.servers.clients.base import Answer

        with self._log.open("a") as log:
            log.writelines(f"{target.path}\n" for target in targets)
        if self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return Answer(200)

    def busy(self, key: str) -> bool:
        return False

    def close(self) -> None:
        pass


def _server(path: str = "/m") -> tuple[Any, Any]:
    from mediasync.core.clock import system
    from mediasync.servers.models import Library, Server

    Server.objects.all().delete()  # where DATABASE_URL names a database that other scenes used
    server = Server.objects.create(name="p", kind="plex", url="http://127.0.0.1:9", libraries_at=system.now())
    library = Library.objects.create(server=server, key="1", title="Films")
    library.paths.create(path=path)
    return server, library


if __name__ == "__main__":
    prepare(Path(sys.argv[2]))
    sys.stdout.write(json.dumps({"crowd": crowd, "crash": crash}[sys.argv[1]]()))
