"""Which addresses are asked, and what counts as a picture; against a web server of our own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cleanup import addresses
from cleanup.apply_verify import Verify
from cleanup.asking import AWAY, Answer, Asker, Pace
from cleanup.models import SeenUrl
from mediasync.core.clock import FakeClock

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 5000
HTML = b"<html><body>Please log in</body></html>" + b" " * 2000
Reply = tuple[int, dict[str, str], bytes]


class Site:
    """``pages``: path → what is answered; ``seen``: what was asked, with the range."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[str], Reply]] = {}
        self.seen: list[tuple[str, str]] = []
        self.hosts: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range", "")
                site.seen.append((self.path, wanted))
                site.hosts.append(self.headers.get("Host", ""))
                status, headers, body = site.pages.get(self.path, lambda _range: (404, {}, b""))(wanted)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def picture(self, path: str, body: bytes = JPEG, kind: str = "image/jpeg", ranges: bool = True) -> str:
        def answer(wanted: str) -> Reply:
            if wanted and ranges:
                return 206, {"Content-Type": kind, "Content-Range": f"bytes 0-0/{len(body)}"}, body[:1]
            return 200, {"Content-Type": kind}, body

        self.pages[path] = answer
        return self.url + path

    def plain(self, path: str, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> str:
        self.pages[path] = lambda _range: (status, headers or {}, body)
        return self.url + path


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    yield found
    found.server.shutdown()
    found.server.server_close()
    found.thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def asker(**options: Any) -> Asker:
    return Asker(Pace(0, FakeClock()), **{"own": frozenset({"127.0.0.1"}), "plain": True, **options})


def test_it_takes_a_picture_and_loads_only_its_first_byte(site: Site) -> None:
    url = site.picture("/a.jpg")
    assert asker().ask(url) == Answer(True, "", 206, "image/jpeg", len(JPEG))
    assert site.seen == [("/a.jpg", "bytes=0-0")]


def test_it_takes_a_picture_of_a_server_without_ranges(site: Site) -> None:
    assert asker().ask(site.picture("/a.jpg", ranges=False)).ok


def test_it_loads_a_sample_whole_and_looks_at_its_first_bytes(site: Site) -> None:
    assert asker().ask(site.picture("/a.jpg"), full=True).ok
    forged = site.picture("/b.jpg", HTML)
    assert asker().ask(forged).ok, "the header alone says picture"
    assert asker().ask(forged, full=True).reason == "url_content"


def test_it_takes_only_sound_for_music(site: Site) -> None:
    song = site.picture("/theme.mp3", b"ID3" + b"x" * 4000, "audio/mpeg")
    assert asker().ask(song, sound=True, full=True).ok
    assert asker().ask(song).reason == "url_type"
    assert asker().ask(site.picture("/a.jpg"), sound=True).reason == "url_type"


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason", "final"),
    [
        (404, {"Content-Type": "image/jpeg"}, JPEG, "url_status", True),
        (403, {}, b"", "url_status", True),
        (200, {"Content-Type": "text/html"}, HTML, "url_type", True),
        (200, {}, JPEG, "url_type", True),
        (200, {"Content-Type": "image/svg+xml"}, b"<svg/>" * 500, "url_type", True),
        (200, {"Content-Type": "image/jpeg"}, JPEG[:900], "url_small", True),
        (503, {}, b"", "url_busy", False),
        (429, {"Retry-After": "9"}, b"", "url_busy", False),
        (204, {"Content-Type": "image/jpeg"}, b"", "url_status", True),
    ],
)
def test_it_refuses_what_is_no_picture(
    site: Site, status: int, headers: dict[str, str], body: bytes, reason: str, final: bool
) -> None:
    answer = asker().ask(site.plain("/x", status, headers, body))
    assert (answer.ok, answer.reason, answer.final) == (False, reason, final)


def test_it_follows_to_a_picture_and_not_to_a_login(site: Site) -> None:
    site.picture("/real.jpg")
    site.plain("/login", 200, {"Content-Type": "text/html"}, HTML)
    assert asker().ask(site.plain("/a", 302, {"Location": "/real.jpg"})).ok
    assert asker().ask(site.plain("/b", 302, {"Location": "/login"})).reason == "url_type"
    assert asker().ask(site.plain("/c", 301, {"Location": "/c"})).reason == "url_redirects"
    assert asker().ask(site.plain("/d", 302, {"Location": "file:///etc/passwd"})).reason == "url_bad"
    assert not asker().ask(site.plain("/e", 302)).ok


def test_it_never_asks_our_own_network(site: Site) -> None:
    url = site.picture("/secret.jpg")
    port = url.rpartition(":")[2].partition("/")[0]
    mine = asker(own=frozenset())
    for host in (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.1.2.3",
        "192.168.1.1",
        "169.254.169.254",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ):
        assert mine.ask(f"http://{host}/secret.jpg").reason in ("url_private", "url_unreachable"), host
        assert mine.ask(f"http://{host}:{port}/secret.jpg").reason == "url_private", host
    inward = asker(own=frozenset(), resolve=lambda host, port: ["127.0.0.1"])
    assert inward.ask("http://pictures.example/secret.jpg").reason == "url_private"
    mixed = asker(own=frozenset(), resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    assert mixed.ask("http://pictures.example/secret.jpg").reason == "url_private"
    assert site.seen == []


def test_a_redirect_into_our_own_network_is_not_followed(site: Site) -> None:
    site.picture("/secret.jpg")
    url = site.plain("/a", 302, {"Location": f"http://localhost{site.url[16:]}/secret.jpg"})
    assert asker().ask(url).reason == "url_private"
    assert ("/secret.jpg", "bytes=0-0") not in site.seen


def test_it_connects_to_the_address_that_it_looked_at(site: Site) -> None:
    site.picture("/a.jpg")
    port = site.url.rpartition(":")[2]
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    found = asker(own=frozenset({"art.example"}), resolve=resolve).ask(f"http://art.example:{port}/a.jpg")
    assert found.ok and asked == ["art.example"]
    assert site.hosts == [f"art.example:{port}"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://images.example/a.jpg", "url_plain"),
        ("ftp://images.example/a.jpg", "url_bad"),
        ("https:///a.jpg", "url_bad"),
        ("https://user:password@images.example/a.jpg", "url_bad"),
        ("https://images.example:99999/a.jpg", "url_bad"),
        ("https://images.example:22/a.jpg", "url_private"),
        ("https://images.example/\n.jpg", "url_bad"),
        ("https://images.example/" + "x" * 2000, "url_bad"),
        ("data:image/png;base64,AAAA", "url_bad"),
        ("", "url_bad"),
    ],
)
def test_it_asks_no_address_that_cannot_be_right(url: str, reason: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    assert Asker(Pace(0, FakeClock()), resolve=resolve).ask(url).reason == reason


def test_a_server_that_is_not_there_says_nothing_about_the_picture() -> None:
    answer = asker().ask("http://127.0.0.1:9/a.jpg")
    assert (answer.ok, answer.final, answer.reason) == (False, False, "url_unreachable")

    def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    assert asker(resolve=resolve, own=frozenset()).ask("http://nowhere.example/a.jpg").reason == "url_unreachable"


def test_it_asks_one_host_only_so_often(site: Site) -> None:
    clock = FakeClock()
    paced = Asker(Pace(2, clock), own=frozenset({"127.0.0.1"}), plain=True)
    url = site.picture("/a.jpg")
    for _ in range(5):
        assert paced.ask(url).ok
    assert clock.monotonic() == pytest.approx(2.0)
    pace = Pace(2, clock)
    pace.wait("one.example")
    pace.wait("two.example")
    assert clock.monotonic() == pytest.approx(2.0), "each host has a pace of its own"


@pytest.mark.django_db
def test_it_remembers_answers_as_long_as_they_are_believed() -> None:
    clock = FakeClock()
    good, bad, busy = "https://a.example/1", "https://a.example/2", "https://a.example/3"
    answers = {
        good: Answer(True, "", 206, "image/jpeg", 5000),
        bad: Answer(False, "url_status", 404),
        busy: Answer(False, "url_busy", 503, final=False),
    }
    addresses.remember(answers, clock.now())
    addresses.remember(answers, clock.now())
    assert SeenUrl.objects.count() == 2
    assert addresses.known([good, bad, busy], clock.now(), 30) == {good: True, bad: False}
    clock.advance(86_400 * 2)
    assert addresses.known([good, bad, busy], clock.now(), 30) == {good: True}
    assert addresses.good({good, bad}, clock.now(), 30) == {good}
    clock.advance(86_400 * 30)
    assert addresses.known([good], clock.now(), 30) == {}


def test_a_sample_is_always_the_same_and_as_large_as_asked() -> None:
    urls = [f"https://a.example/{number}" for number in range(2000)]
    sample = [url for url in urls if addresses.is_sample(url, 0.05)]
    assert 50 < len(sample) < 160
    assert sample == [url for url in urls if addresses.is_sample(url, 0.05)]
    assert not any(addresses.is_sample(url, 0) for url in urls) and all(addresses.is_sample(url, 1) for url in urls)


def test_a_host_that_is_away_is_not_waited_for_again_and_again() -> None:
    clock = FakeClock()
    looked: list[str] = []
    there: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looked.append(host)
        if host not in there:
            raise OSError("no such host")
        return ["127.0.0.1"]

    verify, asker = Verify(clock), Asker(Pace(5.0, clock), resolve=resolve)
    began = clock.monotonic()
    answers = [verify._ask(asker, f"https://gone.example/{number}.jpg", False, False) for number in range(500)]
    assert {(each.ok, each.reason, each.final) for each in answers} == {(False, "url_unreachable", False)}
    assert len(looked) < 20 and clock.monotonic() - began < 60
    assert verify._ask(asker, "https://other.example/1.jpg", False, False).soon, "each host for itself"

    looked.clear()
    there.append("gone.example")
    assert not asker.ask("https://gone.example/1.jpg").soon and not looked
    clock.advance(AWAY + 1)
    assert asker.ask("https://gone.example/1.jpg").reason == "url_private" and looked, "it was asked again"
