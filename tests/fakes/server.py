"""The frame of the fake media servers: a loopback HTTP server that remembers what it was asked and answered.

Each also runs as a program, for tests of whole processes::

    python -m tests.fakes.plex --port 0 --token secret --library Movies=/media/movies --library Shows:show=/media/tv

It prints its address on one line, answers ``GET /_log`` (what it was asked) and ``GET /_known`` (the files it took in)
without a token, and ends on SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from .websockets import Sockets

MEDIA = (".mkv", ".mp4", ".avi", ".ts", ".m2ts", ".iso", ".strm", ".mp3", ".flac", ".m4a", ".jpg")


@dataclass
class Library:
    """A library of a fake server; ``known`` is what its last scans found: path → when (seconds)."""

    title: str
    kind: str
    paths: list[str]
    key: str = ""
    known: dict[str, float] = field(default_factory=dict)
    scanning: bool = False
    trash: list[str] = field(default_factory=list)  # Plex keeps what is gone until this is emptied

    def owns(self, path: str) -> bool:
        return any(path == place or path.startswith(place.rstrip("/") + "/") for place in self.paths)

    def look(self, path: str) -> None:
        """Take in what lies at ``path`` now and forget what does not any more."""
        inside = {known for known in self.known if known == path or known.startswith(path.rstrip("/") + "/")}
        found = set(files_in(path))
        for gone in inside - found:
            del self.known[gone]
        for new in sorted(found - inside):
            self.known[new] = os.lstat(os.fsencode(new)).st_mtime


def files_in(path: str) -> Iterable[str]:
    """Yield the media files at or below ``path``."""
    if os.path.isfile(path):
        yield path
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names if name.lower().endswith(MEDIA))


@dataclass(frozen=True)
class Request:
    """What came in. ``query`` keeps doubles and order; header names are in lower case."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def value(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key.lower() == name.lower()), default)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.query if key.lower() == name.lower()]


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(data: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(data).encode())


class FakeServer(ABC):
    """Base: subclasses say who may ask and what is answered. ``with FakePlex([...]) as plex: plex.url``."""

    kind: ClassVar[str]
    default_library: ClassVar[str]

    def __init__(self, libraries: Sequence[Library], token: str = "fake-token", port: int = 0) -> None:
        self.token = token
        self.libraries = {library.key: library for library in self.numbered(libraries)}
        self.exchanges: list[tuple[Request, Response]] = []
        self.sockets = Sockets()
        self._planned: list[Response] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    # -- For tests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def requests(self) -> list[Request]:
        return [request for request, _ in self.exchanges]

    @property
    def known(self) -> set[str]:
        return {path for library in self.libraries.values() for path in library.known}

    def fail(self, status: int, times: int = 1, *, body: bytes = b"", **headers: str) -> None:
        """Answer the next requests with ``status``; ``Retry_After="3"`` becomes a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._planned += [Response(status, body, "text/plain", named)] * times

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sockets.cut()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    # -- For subclasses

    @abstractmethod
    def numbered(self, libraries: Sequence[Library]) -> Iterable[Library]: ...

    @abstractmethod
    def authorised(self, request: Request) -> bool: ...

    @abstractmethod
    def answer(self, request: Request) -> Response: ...

    # -- The frame

    def respond(self, request: Request) -> Response:
        if request.path == "/_log":
            return as_json([[each.method, each.path, list(each.query), each.body.decode()] for each in self.requests])
        if request.path == "/_known":
            return as_json(sorted(self.known))
        if self._planned:
            response = self._planned.pop(0)
        else:
            response = self.answer(request) if self.authorised(request) else self.refuse()
        self.exchanges.append((request, response))
        return response

    def refuse(self) -> Response:
        return Response(401, b"Unauthorized", "text/plain")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                response = fake.respond(Request(self.command, parts.path, query, headers, body))
                if not response.status:  # it is gone: the connection just ends
                    self.close_connection = True
                    return
                if response.status == 101:
                    fake.sockets.serve(self)
                    return
                self.send_response(response.status)
                for name, value in response.headers.items():
                    self.send_header(name, value)
                if response.status != 204:
                    self.send_header("Content-Type", response.content_type)
                    self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                self.wfile.write(response.body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing; ``/_log`` tells."""

        return Handler


def main(server: type[FakeServer]) -> None:
    """Run a fake server as a program."""
    parser = argparse.ArgumentParser(description=f"A fake {server.kind} server on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="fake-token")
    parser.add_argument("--library", action="append", default=[], metavar="TITLE[:KIND]=PATH")
    options = parser.parse_args()
    libraries: dict[str, Library] = {}
    for each in options.library:
        name, _, path = each.partition("=")
        title, _, kind = name.partition(":")
        library = libraries.setdefault(title, Library(title, kind or server.default_library, []))
        library.paths.append(os.path.abspath(path))
    done = threading.Event()
    with server(list(libraries.values()), options.token, options.port) as fake:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        sys.stdout.write(fake.url + "\n")
        sys.stdout.flush()
        done.wait()
