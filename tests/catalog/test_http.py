from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from catalog import networks, pacing, tolerant
from catalog.errors import ParseError, RateLimited, Unavailable
from catalog.http import Http
from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, Permanent, Stop, Transient, Unreachable
from tests.catalog.replay import Replay
from tests.fakes.server import Request, Response

HOST = "https://music.example"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def asking(replay: Replay, clock: FakeClock, **how: Any) -> Http:
    return Http(relay=replay.url, clock=clock, **how)


def test_it_asks_the_relay_instead_of_the_host(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/a/b", {"found": True})
    with asking(replay, clock) as http:
        assert http.json(f"{HOST}/a/b", [("q", "你 好&")]) == {"found": True}
    assert replay.requests[0].value("q") == "你 好&"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AccessDenied),
        (403, AccessDenied),
        (404, Unavailable),
        (410, Unavailable),
        (400, Permanent),
        (429, RateLimited),
    ],
)
def test_it_never_asks_again_after_a_refusal(replay: Replay, clock: FakeClock, status: int, kind: type) -> None:
    replay.say("music.example/x", Response(status, b"no", "text/plain", {"Retry-After": "7"}))
    with asking(replay, clock, pace=1.0) as http, pytest.raises(kind) as caught:
        http.get(f"{HOST}/x")
    assert len(replay.requests) == 1
    assert caught.value.params["status"] == status
    if status == 429:
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(("status", "kind"), [(503, Transient), (404, Unavailable), (403, AccessDenied)])
@pytest.mark.parametrize("whole", [True, False])
def test_it_reads_only_the_beginning_of_a_long_page_of_an_error(
    replay: Replay, clock: FakeClock, status: int, kind: type, whole: bool
) -> None:
    replay.say("music.example/x", Response(status, b"no room " * 50_000, "text/html"))
    with asking(replay, clock, tries=2) as http, pytest.raises(kind) as caught:
        if whole:
            http.get(f"{HOST}/x")
        else:
            with http.open("GET", f"{HOST}/x"):
                pass
    assert caught.value.params["status"] == status
    assert len(replay.requests) == (2 if status == 503 else 1)


def test_it_asks_again_after_a_hitch_and_gives_up_in_the_end(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/x", Response(503, b""), Response(500, b""), {"ok": 1})
    replay.say("music.example/y", Response(502, b"down"))
    with asking(replay, clock) as http:
        assert http.json(f"{HOST}/x") == {"ok": 1}
        with pytest.raises(Transient, match="502"):
            http.get(f"{HOST}/y")
    assert len(replay.asked("music.example/y")) == 3


def test_it_says_that_nobody_is_there_without_the_address(clock: FakeClock) -> None:
    with Http(clock=clock) as http, pytest.raises(Unreachable) as caught:
        http.get("http://127.0.0.1:9/rest/ping", [("apiKey", "secret-key")])
    assert "secret-key" not in f"{caught.value} {caught.value.params}"


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "nonsense", "http://", "file:///etc/passwd", "//host/x", "http://[", "http://h:x/"]
)
def test_it_refuses_what_is_no_address(clock: FakeClock, url: str) -> None:
    with Http(clock=clock) as http, pytest.raises(Permanent):
        http.get(url)


def test_it_reads_no_more_than_it_was_told_to(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/x", b"x" * 3000)
    with asking(replay, clock) as http, pytest.raises(Permanent, match="large"):
        http.request("GET", f"{HOST}/x", max_bytes=2999)


def test_it_keeps_the_pace_of_a_host(replay: Replay, clock: FakeClock) -> None:
    times = []
    replay.say("music.example/x", lambda request: times.append(clock.now().timestamp()) or {})
    for _ in range(4):  # each a session of its own: the pace is the host's
        with asking(replay, clock, pace=2.0) as http:
            http.get(f"{HOST}/x")
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert all(2.0 <= gap <= 2.0 * (1 + pacing.JITTER) + 0.3 for gap in gaps), gaps
    assert len(set(gaps)) > 1  # no machine's rhythm


def test_it_leaves_a_host_alone_that_asked_for_it(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/x", {})
    with asking(replay, clock, pace=1.0) as http:
        waits = [http.limited(f"{HOST}/x", "Slowly!").retry_after for _ in range(3)]
        assert waits == [30.0, 60.0, 120.0]
        with pytest.raises(RateLimited) as caught:
            http.get(f"{HOST}/x")
        assert 110 < caught.value.retry_after <= 120
        assert not replay.requests
        clock.advance(125)
        http.get(f"{HOST}/x")
        clock.advance(4000)
        assert http.limited(f"{HOST}/x", "Slowly!").retry_after == 30.0


def test_it_stops_between_two_questions(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/x", Response(503, b""))

    def check() -> None:
        if replay.requests:
            raise Stop

    with asking(replay, clock, check=check) as http, pytest.raises(Stop):
        http.get(f"{HOST}/x")
    assert len(replay.requests) == 1


def test_it_follows_a_redirect_without_the_secret(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/x", Response(302, b"", "text/plain", {"Location": "https://other.example/y"}))
    replay.say("other.example/y", lambda request: {"authorization": request.headers.get("authorization", "")})
    with asking(replay, clock) as http:
        assert http.json(f"{HOST}/x", headers={"Authorization": "secret"}) == {"authorization": ""}


@pytest.mark.parametrize(("before", "after", "sent"), [("https", "http", ""), ("http", "https", "secret")])
def test_it_sends_no_login_where_it_would_no_longer_be_encrypted(
    replay: Replay, clock: FakeClock, before: str, after: str, sent: str
) -> None:
    replay.say("music.example/x", Response(302, b"", "text/plain", {"Location": f"{after}://music.example/y"}))
    replay.say("music.example/y", lambda request: {"authorization": request.headers.get("authorization", "")})
    with asking(replay, clock) as http:
        found = http.json(f"{before}://music.example/x", headers={"Authorization": "secret"})
    assert found == {"authorization": sent}


def test_it_follows_no_circle_and_redirects_no_post(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/x", Response(302, b"", "text/plain", {"Location": "/z"}))
    replay.say("music.example/z", Response(302, b"", "text/plain", {"Location": "/x"}))
    with asking(replay, clock) as http:
        for method in ("GET", "POST"):
            with pytest.raises(Permanent, match="circle"):
                http.request(method, f"{HOST}/x")


@pytest.mark.parametrize("location", ["", "ftp://x/", "http://[", "file:///etc/passwd"])
def test_it_follows_no_redirect_to_nowhere(replay: Replay, clock: FakeClock, location: str) -> None:
    replay.say("music.example/x", Response(302, b"", "text/plain", {"Location": location}))
    with asking(replay, clock) as http, pytest.raises(Permanent):
        http.get(f"{HOST}/x")


PUBLIC, PRIVATE = "https://93.184.216.34/feed", "http://192.168.1.1/admin"


def test_it_is_not_led_from_outside_into_our_network(replay: Replay, clock: FakeClock) -> None:
    for target in (
        PRIVATE,
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "http://169.254.169.254/x",
        "http://[::ffff:10.0.0.1]/",
    ):
        with asking(replay, clock) as http, pytest.raises(Permanent, match="private"):
            http.get(target, came_from=PUBLIC)
    replay.say("93.184.216.34/feed", Response(302, b"", "text/plain", {"Location": PRIVATE}))
    with asking(replay, clock) as http, pytest.raises(Permanent, match="private"):
        http.get(PUBLIC)
    assert len(replay.requests) == 1
    networks.may_lead(PRIVATE, "http://127.0.0.1/x")  # from inside, everything may be named
    networks.may_lead(PUBLIC, "https://93.184.216.35/y")


def test_it_lends_a_body_piece_by_piece(replay: Replay, clock: FakeClock) -> None:
    replay.say("music.example/x", Response(206, b"cdef", "audio/mpeg", {"Content-Range": "bytes 2-5/6"}))
    with asking(replay, clock) as http, http.open("GET", f"{HOST}/x", headers={"Range": "bytes=2-"}) as response:
        assert response.status_code == 206
        assert response.raw.read() == b"cdef"
    assert replay.requests[0].headers["range"] == "bytes=2-"


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (b'{"a": 1}', "", {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', "", {"a": 1}),
        (b'callback({"a": [1, 2]});', "", {"a": [1, 2]}),
        (b'jsonp_12.x ( {"a": 1} )', "", {"a": 1}),
        ('{"歌": "晴天"}'.encode("gbk"), "text/html; charset=gbk", {"歌": "晴天"}),
        ('{"歌": "晴天"}'.encode("gb18030"), "application/json", {"歌": "晴天"}),
        (b"{'a': 'it''s', 'b': None, 'c': True}", "", {"a": "its", "b": None, "c": True}),
        (b'{"a": "one\ntwo"}', "", {"a": "one\ntwo"}),
        (b'{"a": "x\\u0000y", "b": NaN, "c": "\\ud83d", "d": 1e999}', "", {"a": "xy", "b": None, "c": "?", "d": None}),
        (b"[]", "", []),
    ],
)
def test_it_reads_every_kind_of_json(body: bytes, kind: str, found: Any) -> None:
    assert tolerant.read(body, kind) == found


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>login</html>", b"__import__('os')", b"[" * 100_000, b"callback(", b"\xff\xfe\x00", b"'just text'"],
)
def test_it_says_what_is_no_json(body: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        tolerant.read(body)
    assert len(caught.value.params["sample"]) <= 200


def test_it_keeps_one_question_at_a_time_between_threads(replay: Replay) -> None:
    import threading

    inside, most, lock = [0], [0], threading.Lock()

    def answer(request: Request) -> dict[str, Any]:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        threading.Event().wait(0.02)
        with lock:
            inside[0] -= 1
        return {}

    replay.say("busy.example/x", answer)

    def ask() -> None:
        with Http(relay=replay.url, pace=0.001) as http:
            http.get("https://busy.example/x")

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(replay.requests) == 5
    assert most[0] == 1
