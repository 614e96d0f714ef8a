"""Tests for fetching: cut downloads go on, other files start anew, and pages are no songs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from catalog.downloads.base import Fetch
from catalog.errors import RateLimited, Unavailable
from catalog.fetching import bring
from catalog.http import Http
from mediasync.core.errors import AccessDenied, Stop, Transient, Unreachable
from mediasync.core.paths import to_text

CONTENT = bytes(range(256)) * 4000  # about 1 MB


@dataclass
class FileServer:
    """Serves one file with Range and If-Range; ``cut`` ends the first answers after so many bytes."""

    content: bytes = CONTENT
    etag: str = '"one"'
    cut: list[int] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    length: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/song.mp3"

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _handler(files: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            files.asked.append(dict(self.headers))
            start, status = 0, files.status
            wanted = self.headers.get("Range", "")
            fits = self.headers.get("If-Range") in (None, files.etag)
            if files.ranges and wanted and fits and status == 200:
                start, status = int(wanted[6:-1]), 206
                if start >= len(files.content):
                    status = 416
            body = files.content[start:] if status < 300 else b"no"
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(files.content) - 1}/{len(files.content)}")
            headers = {"Content-Type": "audio/mpeg", "ETag": files.etag, **files.headers}
            if files.length:
                headers["Content-Length"] = str(len(body))
            for name, text in headers.items():
                if text:
                    self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body[: files.cut.pop(0)] if files.cut else body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def files() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "1-x.part"


def fetch(files: FileServer, part: Path, tell: Any = lambda done, total: None, **facts: Any) -> Fetch:
    with Http(tries=1) as http:
        return bring(Fetch(url=files.url, **facts), part, tell, http)


def test_it_fetches_a_file_and_says_how_far_it_is(files: FileServer, part: Path) -> None:
    told: list[tuple[int, int | None]] = []
    found = fetch(files, part, lambda done, total: told.append((done, total)))
    assert part.read_bytes() == CONTENT
    assert found.size == len(CONTENT)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_it_goes_on_where_it_was_cut(files: FileServer, part: Path) -> None:
    files.cut = [300_000]
    with pytest.raises(Transient) as cut:
        fetch(files, part)
    assert cut.value.code == "cut"
    assert 0 < part.stat().st_size <= 300_000
    there = part.stat().st_size
    fetch(files, part)
    assert files.asked[-1]["Range"] == f"bytes={there}-" and files.asked[-1]["If-Range"] == '"one"'
    assert part.read_bytes() == CONTENT


def test_it_begins_anew_when_the_file_has_changed(files: FileServer, part: Path) -> None:
    files.cut = [300_000]
    with pytest.raises(Transient):
        fetch(files, part)
    files.etag, files.content = '"two"', CONTENT[::-1]
    fetch(files, part)
    assert part.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_it_begins_anew_when_nobody_can_say_whether_it_is_the_same(files: FileServer, part: Path, tag: str) -> None:
    files.etag, files.cut = tag, [300_000]
    with pytest.raises(Transient):
        fetch(files, part)
    fetch(files, part)
    assert "Range" not in files.asked[-1]
    assert part.read_bytes() == CONTENT


def test_it_begins_anew_where_ranges_are_not_known(files: FileServer, part: Path) -> None:
    files.ranges, files.cut = False, [300_000]
    with pytest.raises(Transient):
        fetch(files, part)
    fetch(files, part)
    assert part.read_bytes() == CONTENT


def test_it_begins_anew_when_the_file_is_shorter_now(files: FileServer, part: Path) -> None:
    files.cut = [300_000]
    with pytest.raises(Transient):
        fetch(files, part)
    files.content = CONTENT[:1000]
    fetch(files, part)
    assert part.read_bytes() == CONTENT[:1000]


def test_it_asks_no_more_for_what_is_whole(files: FileServer, part: Path) -> None:
    fetch(files, part)
    fetch(files, part, size=len(CONTENT))
    assert len(files.asked) == 1


def test_it_stops_when_told_to_and_goes_on_later(files: FileServer, part: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        if done > 200_000:
            raise Stop

    with pytest.raises(Stop):
        fetch(files, part, stop)
    there = part.stat().st_size
    assert 200_000 < there < len(CONTENT)
    fetch(files, part)
    assert files.asked[-1]["Range"] == f"bytes={there}-"
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "text/xml"])
def test_it_takes_no_page_for_a_song(files: FileServer, part: Path, kind: str) -> None:
    files.headers = {"Content-Type": kind}
    with pytest.raises(Unavailable) as refused:
        fetch(files, part)
    assert refused.value.code == "not_audio"
    assert not part.exists()


STATUS = [
    (404, Unavailable, "host_status"),
    (410, Unavailable, "host_status"),
    (403, AccessDenied, "source_denied"),
    (429, RateLimited, "source_waits"),
    (503, Transient, "source_busy"),
]


@pytest.mark.parametrize(("status", "kind", "code"), STATUS, ids=str)
def test_it_tells_refusals_apart(files: FileServer, part: Path, status: int, kind: type[Exception], code: str) -> None:
    files.status = status
    with pytest.raises(kind) as raised:
        fetch(files, part)
    assert raised.value.code == code  # type: ignore[attr-defined]


def test_it_refuses_a_packed_answer(files: FileServer, part: Path) -> None:
    files.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(Unavailable, match="packs"):
        fetch(files, part)


def test_it_reads_a_file_of_unknown_length(files: FileServer, part: Path) -> None:
    files.length = False
    assert fetch(files, part).size is None
    assert part.read_bytes() == CONTENT


def test_it_says_when_nobody_is_there(tmp_path: Path, part: Path) -> None:
    with FileServer() as gone:
        url = gone.url
    with Http(tries=1) as http, pytest.raises(Unreachable):
        bring(Fetch(url=url), part, lambda done, total: None, http)


def test_it_ends_what_only_drips(files: FileServer, part: Path) -> None:
    class Late:
        seconds = 0.0

        def monotonic(self) -> float:
            self.seconds += 61.0
            return self.seconds

    files.content = CONTENT[:500]
    with Http(tries=1) as http, pytest.raises(Transient) as slow:
        bring(Fetch(url=files.url), part, lambda done, total: None, http, clock=Late())  # type: ignore[arg-type]
    assert slow.value.code == "too_slow"


def test_it_copies_a_file_of_this_machine(tmp_path: Path, part: Path) -> None:
    source = tmp_path / "歌.mp3"
    source.write_bytes(CONTENT)
    with Http() as http:
        assert bring(Fetch(path=to_text(bytes(source))), part, lambda done, total: None, http).size == len(CONTENT)
        with pytest.raises(Unavailable):
            bring(Fetch(path="/nowhere/x.mp3"), part, lambda done, total: None, http)
    assert part.read_bytes() == CONTENT
