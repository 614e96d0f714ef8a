"""A whole installation sends messages: one channel hangs, and all of it is killed meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.installation import Installation, wait_for

from .conftest import SECRET, Sink

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    here = Installation(tmp_path)
    here.environment |= {"LEASE_SECONDS": "25", "LOG_LEVEL": "DEBUG"}  # the lease: above the busy timeout
    yield here
    here.kill_all()


def add_channel(here: Installation, name: str, sink: Sink) -> None:
    here.python(
        "from mediasync.notify import services\nfrom mediasync.notify.models import Channel, Rule\n"
        f"channel = Channel(name={name!r})\nservices.set_address(channel, {sink.url + '?rto=300'!r})\nchannel.save()\n"
        f"Rule.objects.create(name={name!r}, channel=channel, events=['cleanup_report'], window=0)"
    )


def tell(here: Installation, text: str) -> None:
    here.python(f"from mediasync.notify.services import tell\ntell('cleanup_report', {{'text': {text!r}}})")


def states(here: Installation, channel: str) -> list[str]:
    found: list[str] = here.python(
        "from mediasync.notify.models import Message\n"
        f"rows = Message.objects.filter(channel__name={channel!r}).order_by('pk')\n"
        "print(json.dumps(list(rows.values_list('state', flat=True))))"
    )
    return found


@contextmanager
def hanging() -> Iterator[tuple[Sink, threading.Event, threading.Event]]:
    """Yield a service that does not answer until it is released, when it was called, and what releases it."""
    slow, arrived, release = Sink(), threading.Event(), threading.Event()

    def hang() -> None:
        arrived.set()
        release.wait(300)

    slow.during = hang
    try:
        yield slow, arrived, release
    finally:
        release.set()
        slow.close()


def secrets_in(folder: Path) -> list[str]:
    """Return the files that hold a part of an address as it was entered."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


def test_a_channel_that_hangs_delays_no_other_and_nothing_is_sent_twice(here: Installation, sink: Sink) -> None:
    here.environment["WORKERS"] = "3"  # one for jobs
    here.up()
    here.wait_ready()
    with hanging() as (slow, arrived, release):
        add_channel(here, "Slow", slow)
        add_channel(here, "Fast", sink)
        tell(here, "one")
        assert arrived.wait(60), here.log.read_text()
        tell(here, "two")
        wait_for(lambda: len(sink.taken) == 2, 90, here.log.read_text)
        assert states(here, "Slow")[0] == "sending"
        here.kill_all()
        release.set()
        wait_for(lambda: len(slow.taken) == 1, 60)
        here.up()
        here.wait_ready()
        tell(here, "three")
        wait_for(lambda: "Clean-up: three" in "".join(map(json.dumps, slow.taken)), 120, here.log.read_text)
        wait_for(lambda: len(sink.taken) == 3, 120, here.log.read_text)
        titles = slow.titles + sink.titles
        assert slow.titles.count("Clean-up: one") == 1
        assert sink.titles == ["Clean-up: one", "Clean-up: two", "Clean-up: three"], titles
        assert states(here, "Slow")[0] == "sending", "whether it arrived is not known, so nobody repeats it"
        assert secrets_in(here.folder) == [], "not even in a log of everything"
