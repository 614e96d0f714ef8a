"""A loopback HTTP server that answers like a broken rclone: what a test says, byte for byte, or nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

CUT = object()  # the connection ends in the middle of the body
INFO = {"Features": {"DirModTimeUpdatesOnWrite": True, "SlowHash": True}, "Hashes": ["md5"]}


class FakeRclone:
    """``answers``: command → (status, body) or body; a body is JSON, bytes, or CUT. ``with FakeRclone({…}) as rc``."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers: dict[str, Any] = {"operations/fsinfo": INFO, **answers}
        self.asked: list[tuple[str, Any]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                command = self.path.lstrip("/")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fake.asked.append((command, json.loads(body)))
                answer = fake.answers.get(command, (404, {"error": f"couldn't find method {command!r}", "status": 404}))
                status, what = answer if isinstance(answer, tuple) else (200, answer)
                data = (
                    b'{"list": [{"Na' if what is CUT else what if isinstance(what, bytes) else json.dumps(what).encode()
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(data) + 100 * (what is CUT)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler
