"""The button *Test*: what it asks, and that nobody has to wait for long."""

from __future__ import annotations

import time

import pytest

from catalog import reach, trying
from catalog.models import Source
from mediasync.core.clock import FakeClock
from mediasync.core.errors import Unreachable
from tests.catalog.replay import Replay
from tests.fakes.server import Request

pytestmark = pytest.mark.django_db
FEED = b"""<rss version="2.0"><channel><title>Show</title><item><title>One</title>
<enclosure url="https://example.com/1.mp3" type="audio/mpeg" length="5"/></item></channel></rss>"""


def podcast(replay: Replay) -> Source:
    settings = {**replay.settings, "feeds": ["https://feeds.example.com/show.rss"]}
    return Source.objects.create(name="shows", plugin="podcast", enabled=True, pace=0, settings=settings)


def test_a_source_has_answered_only_if_a_list_was_read(replay: Replay) -> None:
    row = podcast(replay)
    replay.say("feeds.example.com/show.rss", b"<html>Error</html>")
    with pytest.raises(Exception, match="no feed"):
        trying.try_out(row)
    replay.say("feeds.example.com/show.rss", FEED)
    assert trying.try_out(row) == "It answers: 1 playlist on its first page, 1 song in the first one."


def test_nobody_waits_long_for_who_hangs(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SHORT", 0.2)

    def hang(_request: Request) -> bytes:
        time.sleep(1)
        return b""

    replay.say("feeds.example.com/show.rss", hang)
    with pytest.raises(Unreachable):
        trying.try_out(podcast(replay))
    assert len(replay.requests) == 1  # it is not asked again


def test_all_questions_together_have_an_end() -> None:
    clock = FakeClock()
    check = trying.Deadline("slow", clock)
    check()
    clock.sleep(trying.LONGEST + 1)
    with pytest.raises(Unreachable, match="slow did not answer in time"):
        check()
