"""A loopback server that answers for platforms, from recorded answers or from what a test says.

``with Replay() as replay: replay.say("music.163.com/api/toplist", recorded("netease_api_toplist.json"))``. A source
whose settings are ``replay.settings`` asks it instead of every host; what was asked is in ``replay.requests``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.fakes.server import Request, Response

TOP = Path(__file__).resolve().parent.parent.parent
FIXTURES = Path(os.environ.get("MEDIASYNC_FIXTURES") or TOP.parent / "shared" / "fixtures") / "catalog"
Answer = bytes | dict[str, Any] | list[Any] | Response | Callable[[Request], Any]


def recorded(name: str) -> bytes:
    """Return a recorded answer; the test is skipped where the recordings are missing."""
    path = FIXTURES / name
    if not path.is_file():
        pytest.skip(f"the recorded answers are not here: {name}")
    return path.read_bytes()


def recorded_json(name: str) -> Any:
    return json.loads(recorded(name))


def form(request: Request) -> dict[str, str]:
    """Return the fields of a posted form."""
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


@dataclass
class Replay:
    """Answers "host/path" by what was said for it; a callable is given the Request; everything else is a 404."""

    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._http = Server(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of a source that asks us."""
        return {"relay": self.url}

    def say(self, where: str, *answers: Answer) -> None:
        """Answer ``where`` ("host/path") with these in turn, the last one for ever."""
        left = list(answers)
        if len(left) == 1:
            self.answers[where] = left[0]
        else:
            self.answers[where] = lambda request: _of(left.pop(0) if len(left) > 1 else left[0], request)

    def asked(self, where: str) -> list[Request]:
        return [request for request in self.requests if request.path == f"/{where}"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def respond(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.get(request.path.lstrip("/"))
        return Response(404, b"not found", "text/plain") if answer is None else _of(answer, request)


def _of(answer: Answer, request: Request) -> Response:
    if callable(answer):
        answer = answer(request)
    if isinstance(answer, Response):
        return answer
    return Response(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())


class Server(ThreadingHTTPServer):
    """A client that reads no further than it must is no error of ours."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qsl(parts.query, keep_blank_values=True)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = replay.respond(Request(self.command, parts.path, query, headers, body))
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

        do_GET = do_POST = do_HEAD = do_PROPFIND = do_PUT = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing; ``requests`` tells."""

    return Handler
