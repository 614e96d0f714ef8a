from __future__ import annotations

import json
import struct
from collections.abc import Iterator

import pytest

from mediasync.core.errors import Unreachable
from mediasync.servers.clients.base import Access
from mediasync.servers.listeners import channel as module
from mediasync.servers.listeners.channel import Channel, Refused
from mediasync.servers.listeners.ears import EARS
from tests.fakes.server import FakeServer
from tests.fakes.websockets import CLOSE, TEXT, frame
from tests.monitors.feeding import until
from tests.servers.conftest import MakeFake


def connect(kind: str, fake: FakeServer, token: str = "") -> Channel:
    access, ear = Access(fake.url, token or fake.token), EARS[kind]
    return Channel(access, ear.path(access), ear.headers(access), ear.keep_alive)


@pytest.fixture
def plex(fake_server: MakeFake) -> FakeServer:
    return fake_server("plex")


@pytest.fixture
def channel(plex: FakeServer) -> Iterator[Channel]:
    channel = connect("plex", plex)
    until(lambda: len(plex.sockets))
    yield channel
    channel.close()


def take(channel: Channel) -> str:
    """Return the next message."""
    found: list[str] = []
    until(lambda: found.append(channel.take(0.05)) or found[-1])  # type: ignore[func-returns-value]
    return found[-1]


def test_it_hears_each_kind_of_server(kind: str, fake: FakeServer) -> None:
    channel = connect(kind, fake)
    until(lambda: len(fake.sockets))
    fake.sockets.push({"a": "ü" * 70_000}, {"b": 2})
    assert json.loads(take(channel)) == {"a": "ü" * 70_000}
    assert json.loads(take(channel)) == {"b": 2}
    assert channel.take(0.01) == ""
    channel.close()
    until(lambda: not len(fake.sockets))


def test_it_is_refused_with_a_wrong_token(kind: str, fake: FakeServer) -> None:
    with pytest.raises(Refused) as caught:
        connect(kind, fake, "wrong")
    assert caught.value.params == {"status": 401}


def test_it_carries_its_token_to_no_other_address(plex: FakeServer, fake_server: MakeFake) -> None:
    elsewhere = fake_server("emby")
    plex.fail(302, Location=f"{elsewhere.url}/embywebsocket".replace("http", "ws"))
    with pytest.raises(Refused):
        connect("plex", plex)
    assert elsewhere.requests == []


def test_it_says_so_when_nobody_is_there() -> None:
    access = Access("http://127.0.0.1:9", "t", connect_timeout=1)
    with pytest.raises(Unreachable):
        Channel(access, "/", ())


def test_it_notices_a_cut(plex: FakeServer, channel: Channel) -> None:
    plex.sockets.cut()
    with pytest.raises(Unreachable) as caught:
        take(channel)
    assert caught.value.code == "listener_cut"


def test_it_notices_a_polite_end(plex: FakeServer, channel: Channel) -> None:
    plex.sockets.send(frame(CLOSE, struct.pack("!H", 1001)))
    with pytest.raises(Unreachable):
        take(channel)


def test_it_notices_silence(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", -1.0)
    with pytest.raises(Unreachable) as caught:
        channel.take(0.01)
    assert caught.value.code == "listener_silent"


def test_it_shows_that_it_is_alive(fake_server: MakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", -1.0)
    fake = fake_server("jellyfin")
    channel = connect("jellyfin", fake)
    channel.take(0.01)
    until(lambda: fake.sockets.pings and fake.sockets.heard)
    assert json.loads(fake.sockets.heard[0]) == {"MessageType": "KeepAlive"}
    channel.close()


def test_it_waits_for_the_rest_of_a_message(plex: FakeServer, channel: Channel) -> None:
    whole = frame(TEXT, b'{"a":', last=False) + frame(0, b"1}")
    for start in range(len(whole)):
        assert channel.take(0.01) == ""
        plex.sockets.send(whole[start : start + 1])
    assert take(channel) == '{"a":1}'


def test_it_gives_up_on_a_message_without_end(
    plex: FakeServer, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 100_000)
    plex.sockets.send(b"\x81\x7f" + struct.pack("!Q", 2**62) + b"x" * 200_000)
    with pytest.raises(Unreachable):
        take(channel)


@pytest.mark.parametrize("data", [b"\x83\x00", b"\xf1\x01x", b"\x81\x02\xff\xfe", b"\x00\x01x", b"HTTP/1.1 200 OK"])
def test_it_ends_at_rubbish(plex: FakeServer, channel: Channel, data: bytes) -> None:
    plex.sockets.send(data)
    plex.sockets.cut()
    with pytest.raises(Unreachable):
        take(channel)
