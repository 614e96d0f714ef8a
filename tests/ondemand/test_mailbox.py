"""Mails in an IMAP folder: each is dealt with once, none is lost, and others are left alone."""

from __future__ import annotations

import imaplib
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError

from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, NotFound, Permanent, Unreachable, UsageError
from mediasync.ondemand import poller, services
from mediasync.ondemand.mailbox import MOST, Box, Reader
from mediasync.servers.models import Server
from scanning.models import ScanRequest
from tests.fakes.imap import PASSWORD, FakeImap
from tests.ondemand import mails


@pytest.fixture
def imap() -> Iterator[FakeImap]:
    with FakeImap(mails.QUIET, mails.SYNOLOGY, mails.QBITTORRENT) as server:
        yield server


class Looked:
    """Remembers the names, and raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.names: list[str] = []
        self.error = error

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if self.error:
            raise self.error


def reader(imap: FakeImap, look: Any, folder: str = "INBOX", password: str = PASSWORD) -> Reader:
    return Reader(Box("127.0.0.1", imap.port, "me", password, folder, tls=False), look)


def read_mails(imap: FakeImap) -> list[int]:
    return [number for number, mail in imap.mails.items() if "\\Seen" in mail.flags]


def just_now(imap: FakeImap) -> None:
    for mail in imap.mails.values():
        mail.came = imaplib.Time2Internaldate(time.time())


def test_it_asks_about_each_mail_once_and_leaves_others_alone(imap: FakeImap) -> None:
    look = Looked()
    box = reader(imap, look)
    assert (box.read(), box.read()) == (2, 0)
    assert look.names == [mails.FILE, "A & B (2020) [1080p]"]
    assert read_mails(imap) == [2, 3]
    assert sum(command.startswith("UID FETCH 1 ") for command in imap.commands) == 1


def test_it_waits_for_what_is_not_there_yet(imap: FakeImap) -> None:
    just_now(imap)
    look = Looked(NotFound("nowhere"))
    box = reader(imap, look)
    assert (box.read(), box.read(), read_mails(imap)) == (0, 0, [])
    look.error = None
    assert (box.read(), read_mails(imap)) == (2, [2, 3])


def test_it_leaves_old_mails_alone(imap: FakeImap) -> None:
    imap.mails[2].came = imaplib.Time2Internaldate(time.time() - 30 * 86400)
    assert reader(imap, Looked()).read() == 1
    assert read_mails(imap) == [3]


def test_it_reads_a_full_folder_in_turns_the_newest_first() -> None:
    with FakeImap(mails.SYNOLOGY, *[mails.QUIET] * 2 * MOST, mails.QBITTORRENT) as imap:
        look = Looked()
        box = reader(imap, look)
        assert [box.read() for _ in range(4)] == [1, 0, 1, 0]
        fetched = [command for command in imap.commands if "FETCH" in command]
        assert len(fetched) == len(set(fetched)) == 2 * MOST + 2


def test_it_gives_up_after_an_hour(imap: FakeImap) -> None:
    assert reader(imap, Looked(NotFound("nowhere"))).read() == 2


@pytest.mark.parametrize("error", [UsageError("no"), RuntimeError("boom")])
def test_it_is_not_stopped_by_one_mail(imap: FakeImap, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        assert reader(imap, Looked(error)).read() == 2


def test_it_keeps_mails_while_the_database_does_not_answer(imap: FakeImap) -> None:
    with pytest.raises(DatabaseError):
        reader(imap, Looked(DatabaseError("locked"))).read()
    assert read_mails(imap) == []


@pytest.mark.parametrize("word", ["LOGIN", "SEARCH", "UID FETCH 2", "STORE"])
def test_it_goes_on_after_a_cut(imap: FakeImap, word: str) -> None:
    look = Looked()
    box = reader(imap, look)
    imap.cut = word
    with pytest.raises(Unreachable):
        box.read()
    imap.cut = ""
    assert box.read() == 2
    assert read_mails(imap) == [2, 3]


def test_it_says_what_is_wrong_without_the_password(imap: FakeImap) -> None:
    with pytest.raises(AccessDenied) as denied:
        reader(imap, Looked(), password="not this").read()
    assert "not this" not in str(denied.value)
    with pytest.raises(Permanent):
        reader(imap, Looked(), folder="None").read()
    with pytest.raises(Unreachable):
        Reader(Box("127.0.0.1", 9, "me", "x", tls=False), Looked()).read()


def test_it_reads_the_address() -> None:
    assert Box.of("imaps://me%40home@mail.home/Downloads", "x") == Box("mail.home", 993, "me@home", "x", "Downloads")
    assert Box.of("imap://me:a%2Fb@localhost:1143").password == "a/b"
    assert "a/b" not in repr(Box.of("imap://me:a%2Fb@localhost:1143"))


@pytest.mark.parametrize(
    "url", ["", "x", "imaps://mail.home", "imap://me@mail.home/", "imaps://me@h:x/", "imaps://me@h/Gel%C3%B6scht"]
)
def test_it_refuses_other_addresses(url: str) -> None:
    with pytest.raises(UsageError):
        Box.of(url)


def test_it_has_servers_asked(plex: Server, imap: FakeImap, settings: Any) -> None:
    settings.IMAP_URL, settings.IMAP_PASSWORD = f"imap://me@127.0.0.1:{imap.port}/Downloads", PASSWORD
    box = Reader(Box.of(settings.IMAP_URL, settings.IMAP_PASSWORD), services.by_name)
    assert box.read() == 2
    assert sorted(row.path.rpartition("/")[2] for row in ScanRequest.objects.all()) == [
        "A & B (2020)",
        "My Fancy Show (2015)",
    ]


# -- The poller


def turn(one: poller.Poller) -> None:
    one.tick()
    if one._thread:
        one._thread.join(60)


@pytest.fixture(autouse=True)
def connections_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediasync.ondemand.poller.connection.close", lambda: None)


def test_it_polls_at_its_pace() -> None:
    clock, turns = FakeClock(), list[int]()

    def read() -> int:
        turns.append(1)
        return 1

    one = poller.Poller(clock, read, 60.0)
    for seconds, expected in ((0, 1), (30, 1), (30, 2)):
        clock.advance(seconds)
        turn(one)
        assert len(turns) == expected
    one.close()
    clock.advance(60)
    turn(one)
    assert len(turns) == 2


def test_it_waits_longer_while_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    clock, turns = FakeClock(), list[int]()

    def fail() -> int:
        turns.append(1)
        raise Unreachable("gone")

    one = poller.Poller(clock, fail, 60.0)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(20):
            turn(one)
            clock.advance(60)
    assert len(turns) == 8  # at 0, 60, 120, 180, 240, 360, 540 and 900 s


def test_it_is_off_by_default(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.IMAP_URL = ""
    assert poller.maker(FakeClock())._read is None
    settings.IMAP_URL = "imaps://nobody"
    with caplog.at_level(logging.CRITICAL):
        assert poller.maker(FakeClock())._read is None
    settings.IMAP_URL = "imaps://me@mail.home/x"
    assert poller.maker(FakeClock())._read is not None
