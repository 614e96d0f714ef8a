"""Requests: limits, redirects, and secrets that stay inside."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mediasync.core.errors import AccessDenied, MediasyncError, Permanent, Transient, Unreachable
from mediasync.core.http import Session, encode
from mediasync.core.ratelimit import retry_after


@contextmanager
def raw_server(*answers: bytes, drip: float = 0.0, rest: float = 0.0) -> Iterator[str]:
    """Answer each connection with given bytes, byte by byte if ``drip`` seconds are given."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    for piece in [answer] if not drip else [answer[i : i + 1] for i in range(len(answer))]:
                        connection.sendall(piece)
                        time.sleep(drip)
                    time.sleep(rest)
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join(5)
        listener.close()


def reply(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def session(url: str, **options: object) -> Iterator[Session]:
    opened = Session(url, headers={"X-Token": "s3cret"}, secrets=["s3cret"], **options)  # type: ignore[arg-type]
    try:
        yield opened
    finally:
        opened.close()


def failure(url: str, method: str = "GET", **options: object) -> MediasyncError:
    """Return what a request raises."""
    with session(url, **options) as http, pytest.raises(MediasyncError) as caught:
        http.request(method, "/")
    return caught.value


def test_it_returns_the_answer() -> None:
    with raw_server(reply("200 OK", body=b'{"a": 1}')) as url, session(url) as http:
        assert http.get("/x", (("q", "ä b"),)).json() == {"a": 1}


def test_it_sends_bytes_as_they_are() -> None:
    assert encode((("path", b"/caf\xe9 & x"), ("n", "ü+"))) == "path=%2Fcaf%E9%20%26%20x&n=%C3%BC%2B"


def test_a_silent_server_is_unreachable() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}", read_timeout=0.1)
    listener.close()
    assert isinstance(error, Unreachable)
    assert error.code == "server_timeout"


def test_a_dripping_server_does_not_hold_us() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with raw_server(answer + b"x" * 200, drip=0.01) as url, session(url, read_timeout=0.3) as http:
        started = time.monotonic()
        with pytest.raises(Unreachable):
            http.get("/")
        assert time.monotonic() - started < 2.5


@pytest.mark.parametrize("rest", [0.0, 1.0])
def test_half_an_answer_is_unreachable(rest: float) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
    with raw_server(half, rest=rest) as url, session(url, read_timeout=0.3) as http, pytest.raises(Unreachable):
        http.get("/")


def test_an_answer_without_end_is_cut_off() -> None:
    with raw_server(reply("200 OK", body=b"x" * 5000)) as url:
        assert failure(url, max_bytes=1000).code == "server_too_much"


def test_a_broken_answer_is_unreachable() -> None:
    with raw_server(b"SSH-2.0-OpenSSH_9.2\r\n") as url, session(url) as http, pytest.raises(Unreachable):
        http.get("/")


def test_it_follows_a_redirect_on_the_same_server() -> None:
    moved = reply("301 Moved", "Location: /web/")
    with raw_server(moved, reply("200 OK", body=b"1")) as url, session(url) as http:
        assert http.get("/").json() == 1


@pytest.mark.parametrize(
    "location", ["http://192.0.2.7/", "http://localhost:1/", "//192.0.2.7/", "file:///etc/passwd", ""]
)
def test_it_takes_no_token_elsewhere(location: str) -> None:
    with raw_server(reply("302 Found", f"Location: {location}")) as url:
        assert failure(url, "GET").code == "server_redirects"


def test_a_post_does_not_become_a_get() -> None:
    with raw_server(reply("302 Found", "Location: /login")) as url:
        assert failure(url, "POST").code == "server_redirects"


def test_a_circle_ends() -> None:
    moved = reply("301 Moved", "Location: /")
    with raw_server(*[moved] * 4) as url, session(url) as http, pytest.raises(Permanent, match="circle"):
        http.get("/")


def test_what_a_server_repeats_is_hidden() -> None:
    with raw_server(reply("400 Bad", body=b"bad token s3cret")) as url:
        error = failure(url)
    assert "bad token" in str(error.params)
    assert "s3cret" not in str(error.params)


def test_a_token_with_a_newline_is_refused_without_being_shown() -> None:
    with pytest.raises(AccessDenied) as caught:
        Session("http://127.0.0.1", headers={"X-Token": "a\nb"}, secrets=["a\nb"])
    assert "a\nb" not in str(caught.value)


def test_netrc_and_proxies_of_the_environment_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with raw_server(reply("200 OK", body=b"1")) as url, session(url) as http:
        assert http.get("/").json() == 1


def test_an_unreadable_ca_file_is_said() -> None:
    with session("https://127.0.0.1:9", verify="/nowhere/ca.pem") as http, pytest.raises(Unreachable, match="CA file"):
        http.get("/")


def test_it_reads_when_to_come_back() -> None:
    now = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    assert retry_after("120", now) == 120
    assert retry_after("Thu, 01 Jan 2026 12:01:00 GMT", now) == 60
    assert retry_after("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0
    assert retry_after("soon", now) is None
    assert retry_after("", now) is None


def test_a_busy_server_says_how_long() -> None:
    with raw_server(reply("503 Busy", "Retry-After: 9")) as url:
        error = failure(url)
    assert isinstance(error, Transient)
    assert error.retry_after == 9
