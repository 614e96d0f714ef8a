"""gunicorn's worker with threads, where a client that stops talking in the middle loses its turn."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

LONGEST = 10.0  # seconds for a request to arrive: 1 MiB does, over a megabit a second


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn waits for the rest of a request for ever, so eight callers that fell asleep stop the whole web."""

    longest = LONGEST

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._since: dict[Any, float] = {}  # connections that threads work on

    def handle(self, conn: Any) -> Any:
        """Read and answer one request, in a thread."""
        self._since[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._since.pop(conn, None)

    def notify(self) -> None:
        """End the reading of requests that take too long. The main loop calls this each second.

        Only reading: an answer that takes its time still gets out.
        """
        super().notify()
        before = time.monotonic() - self.longest
        for conn, since in self._since.copy().items():
            if since < before:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)
