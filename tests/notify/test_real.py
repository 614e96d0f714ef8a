"""A whole installation sends messages: one channel hangs, and all of it is killed meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation, wait_for

from .conftest import Sink

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    here = Installation(tmp_path)
    here.environment["LEASE_SECONDS"] = "25"  # above the busy timeout
    here.up()
    here.wait_ready()
    yield here
    here.kill_all()


def add_channel(here: Installation, name: str, sink: Sink) -> None:
    here.python(
        "from mediasync.notify import services\nfrom mediasync.notify.models import Channel, Rule\n"
        f"channel = Channel(name={name!r})\nservices.set_address(channel, {sink.url + '?rto=60'!r})\nchannel.save()\n"
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


def test_a_channel_that_hangs_delays_no_other_and_nothing_is_sent_twice(here: Installation, sink: Sink) -> None:
    slow, arrived, release = Sink(), threading.Event(), threading.Event()

    def hang() -> None:
        arrived.set()
        release.wait(120)

    slow.during = hang
    try:
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
        titles = slow.titles + sink.titles
        assert slow.titles.count("Clean-up: one") == 1
        assert sink.titles == ["Clean-up: one", "Clean-up: two", "Clean-up: three"], titles
        assert states(here, "Slow")[0] == "sending", "whether it arrived is not known, so nobody repeats it"
    finally:
        release.set()
        slow.close()
