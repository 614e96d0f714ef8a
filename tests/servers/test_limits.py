"""When a server may be asked."""

from __future__ import annotations

import datetime as dt

import pytest

from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable
from mediasync.servers import limits
from mediasync.servers.models import Library, Server

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


@pytest.fixture
def server() -> Server:
    return Server.objects.create(name="s", kind="plex", url="http://plex:32400", pace=2.0)


def break_it(server: Server, times: int = limits.OPENS_AT, now: dt.datetime = NOW) -> None:
    for _ in range(times):
        limits.failed(server, Unreachable("gone"), now)


def test_a_server_may_be_asked_until_five_failures_in_a_row(server: Server) -> None:
    break_it(server, 4)
    assert limits.ready(server, NOW) is None
    limits.succeeded(server, NOW)
    break_it(server, 4)
    assert limits.ready(server, NOW) is None
    break_it(server, 1)
    assert limits.ready(server, NOW) == NOW + seconds(30)
    assert server.last_error == "gone"


def test_the_rest_grows_up_to_a_quarter_of_an_hour(server: Server) -> None:
    rests = []
    for number in range(12):
        break_it(server, 1)
        if number >= 4:
            until = limits.ready(server, NOW)
            assert until is not None
            rests.append((until - NOW).total_seconds())
    assert rests == [30, 60, 120, 240, 480, 900, 900, 900]


def test_one_probes_and_the_others_wait_for_it(server: Server) -> None:
    break_it(server)
    later = NOW + seconds(30)
    other = Server.objects.get()
    assert limits.ready(server, later) is None
    assert limits.ready(other, later) == later + limits.PROBE_TIME
    limits.succeeded(server, later)
    assert limits.ready(other, later) is None


def test_of_two_that_read_the_same_only_one_probes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(server)
    other = Server.objects.get()
    later = NOW + seconds(30)
    assert limits.ready(server, later) is None
    monkeypatch.setattr(Server, "refresh_from_db", lambda self, fields: None)  # it read before the first wrote
    assert limits.ready(other, later) == later + limits.PROBE_TIME


def test_a_probe_that_dies_does_not_block_for_ever(server: Server) -> None:
    break_it(server)
    assert limits.ready(server, NOW + seconds(30)) is None
    assert limits.ready(server, NOW + seconds(30) + limits.PROBE_TIME) is None


def test_after_a_recovery_requests_go_one_by_one(server: Server) -> None:
    break_it(server)
    assert limits.ready(server, NOW + seconds(30)) is None
    back = NOW + seconds(30)
    limits.succeeded(server, back)
    assert limits.take(server, None, back) is None
    wait = limits.take(server, None, back)
    assert wait == back + seconds(server.pace / limits.SHARE)


def test_a_refused_token_pauses(server: Server) -> None:
    limits.failed(server, AccessDenied("no", code="server_denied"), NOW)
    row = Server.objects.get()
    assert (row.paused, row.paused_reason, row.last_error) == (True, "server_denied", "no")
    assert limits.ready(row, NOW) == NOW + limits.RESTING


def test_a_switched_off_server_rests(server: Server) -> None:
    Server.objects.update(enabled=False)
    assert limits.ready(server, NOW) == NOW + limits.RESTING


def test_a_busy_server_is_left_alone_as_long_as_it_asks(server: Server) -> None:
    limits.failed(server, Transient("busy", retry_after=120), NOW)
    assert limits.ready(server, NOW) == NOW + seconds(120)
    assert limits.ready(server, NOW + seconds(120)) is None
    limits.failed(server, Transient("busy", retry_after=1e9), NOW)
    assert limits.ready(server, NOW) == NOW + seconds(900)


def test_a_refused_request_shows_that_the_server_is_there(server: Server) -> None:
    break_it(server)
    limits.failed(server, Permanent("no such section"), NOW)
    assert limits.ready(server, NOW) is None


def test_a_library_has_its_pace_and_others_do_not_wait_for_it(server: Server) -> None:
    one, two = (Library.objects.create(server=server, key=key, title=key) for key in "12")
    assert limits.take(server, one, NOW) is None
    for _ in range(50):
        assert limits.take(server, one, NOW) == NOW + seconds(2)
    assert limits.take(server, two, NOW) is None
    assert limits.take(server, one, NOW + seconds(2)) is None


def test_a_server_without_pace_is_never_held(server: Server) -> None:
    server.pace = 0
    assert [limits.take(server, None, NOW) for _ in range(100)] == [None] * 100


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_whose_server_is_away_opens_the_breaker_too(server: Server, status: int) -> None:
    for _ in range(limits.OPENS_AT):
        assert limits.ready(server, NOW) is None
        limits.failed(server, Transient(f"cannot answer now ({status})", status=status), NOW)
    assert limits.ready(server, NOW) == NOW + seconds(30)
    limits.failed(server, Transient("still", status=status, retry_after=300), NOW)
    assert limits.ready(server, NOW) == NOW + seconds(300)
    limits.succeeded(server, NOW)
    assert limits.ready(server, NOW) is None


def test_a_server_that_has_a_fault_or_enough_of_us_is_there(server: Server) -> None:
    for status in (429, 500) * limits.OPENS_AT:
        limits.failed(server, Transient("busy", status=status), NOW)
    assert limits.ready(server, NOW) is None
