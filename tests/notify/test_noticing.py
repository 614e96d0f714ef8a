"""Where each piece of news is seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from mediasync import noticing
from mediasync.core.clock import FakeClock
from mediasync.core.errors import NeedsOperator, Permanent
from mediasync.jobs import chores, registry
from mediasync.jobs import services as jobs
from mediasync.jobs.conductor import tick
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.notify import conditions, digest
from mediasync.notify.models import Channel, Notice
from mediasync.servers import limits
from mediasync.servers.listeners.arrivals import arrived
from mediasync.servers.listeners.models import Arrival, Listener
from mediasync.servers.models import Server
from monitors.models import Account, Change, FeedState, Root

from .conftest import NOW, after, rule_for

pytestmark = pytest.mark.django_db


class Boom(registry.Stage):
    """Fails as the scope says."""

    name = "boom"

    def plan(self, job: registry.JobInfo, cursor: Any) -> Iterator[registry.Planned]:
        yield registry.Planned([registry.NewItem("good"), registry.NewItem("bad")])

    def run(self, item: registry.ItemInfo, ctx: registry.Context) -> registry.Outcome:
        if item.key == "good":
            return registry.Done()
        if ctx.job.scope["how"] == "person":
            raise NeedsOperator("A person must act.", code="needs_a_person")
        raise Permanent("Boom.", code="boom")


class FailFast(Boom):
    on_error = registry.OnError.FAIL_FAST


@pytest.fixture
def server(db: None) -> Server:
    return Server.objects.create(name="Plex", kind="plex", url="http://127.0.0.1:9")


@pytest.fixture
def root(db: None) -> Root:
    return Root.objects.create(name="TV", path="/srv/tv")


def says() -> list[str]:
    return [digest.sentence(notice.event, notice.params) for notice in Notice.objects.order_by("pk")]


def lasts(seconds: float = 301) -> list[str]:
    """Look twice, so that what is wrong has lasted, and return what is told."""
    conditions.look(NOW)
    conditions.look(after(seconds))
    return says()


@pytest.mark.parametrize(("stage", "event"), [(Boom(), "job_errors"), (FailFast(), "job_failed")])
def test_a_job_that_ends_badly_is_told_of(channel: Channel, stage: Boom, event: str) -> None:
    rule_for(channel, "job_errors", "job_failed")
    with registry.registered(registry.JobKind("boom", "Boom", (stage,))):
        job = drain(jobs.submit("boom", {"how": "fails"}).job.pk)
        assert job.finished is not None
        notice = Notice.objects.get()
        assert (notice.event, notice.params["job"]) == (event, job.pk)
        assert f"#{job.pk}" in says()[0]
        if event == "job_errors":
            assert "1 of 2 failed" in says()[0]


def test_a_job_that_fails_each_minute_is_told_of_once_an_hour(channel: Channel) -> None:
    rule_for(channel, "job_failed")
    for minutes in (0, 1, 2, 61):
        for path in ("/a", "/b"):
            job = Job.objects.create(kind="crawl", title_code="crawl", title_params={"path": path}, state="failed")
            noticing.on_ended(None, job.pk, noticing.JobState.FAILED, after(minutes * 60))
    assert Notice.objects.count() == 4


def test_jobs_that_send_messages_are_never_told_of(channel: Channel) -> None:
    rule_for(channel, "job_errors", "job_failed")
    broken = Channel.objects.create(name="Broken", url_sealed="rubbish", service="JSON")
    job = jobs.submit("notify", {"channel": broken.pk}).job
    noticing.on_ended(None, job.pk, noticing.JobState.FAILED, NOW)
    assert not Notice.objects.exists()


def test_a_receiver_that_fails_does_not_keep_a_job_from_ending(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rule_for(channel, "job_errors")

    def fails(*args: Any, **more: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("mediasync.notify.services.tell", fails)
    with registry.registered(registry.JobKind("boom", "Boom", (Boom(),))):
        assert drain(jobs.submit("boom", {"how": "fails"}).job.pk).state == "completed_with_errors"


def test_a_job_that_waits_for_a_person_is_told_of_and_one_that_a_person_paused_is_not(channel: Channel) -> None:
    rule_for(channel, "job_waits")
    with registry.registered(registry.JobKind("boom", "Boom", (Boom(),))):
        job = drain(jobs.submit("boom", {"how": "person"}).job.pk)
        assert job.state == "paused"
        Job.objects.create(kind="boom", title_code="boom", state="paused")
        told = lasts()
    assert len(told) == 1 and f"#{job.pk} waits for a person" in told[0]


def test_a_root_that_is_not_ok_is_told_of(channel: Channel, root: Root) -> None:
    rule_for(channel, "guard")
    Root.objects.update(guard="down", guard_code="guard_missing")
    assert lasts()[0].startswith("TV: ")
    Root.objects.update(guard="ok", guard_code="")
    conditions.look(after(400))
    assert says()[1] == "TV is OK again"


def test_held_removals_are_told_of_and_are_no_second_piece_of_news(channel: Channel, root: Root) -> None:
    rule_for(channel, "guard", "removals_held")
    Root.objects.update(guard="suspect", guard_code="guard_removed_count")
    for name in "ab":
        Change.objects.create(root=root, path=name, kind="removed", state="held")
    assert lasts() == ["TV: 2 removals are held until somebody looks"]


def test_a_server_that_is_paused_or_offline_is_told_of(channel: Channel, server: Server) -> None:
    rule_for(channel, "server_paused", "server_offline")
    Server.objects.update(fails=limits.OPENS_AT - 1, last_error="refused")
    assert lasts() == []
    Server.objects.update(fails=limits.OPENS_AT)
    assert lasts() == ["Plex does not answer: refused"]
    Server.objects.update(fails=0, paused=True, paused_reason="access_denied")
    assert lasts()[1:][0] == "Plex answers again"
    assert says()[2].startswith("Plex is paused: ")
    Server.objects.update(paused_reason="server_paused_by_hand")
    assert lasts()[3:] == ["Plex is asked again"]


def test_a_silent_feed_is_told_of(channel: Channel, root: Root) -> None:
    rule_for(channel, "feed_silent")
    beat = {"beat_at": after(301)}
    FeedState.objects.create(kind="inotify", key="1", root=root, state="trouble", code="feed_watch_limit", **beat)
    FeedState.objects.create(kind="polling", key="1", root=root, state="fine", **beat)
    assert len(lasts()) == 1
    FeedState.objects.update(state="fine", beat_at=NOW)
    conditions.look(NOW)
    assert says()[1:] == ["The feed of TV works again"]
    for seconds in (100, 401):
        conditions.look(after(seconds))
    assert len(says()[2:]) == 2, "nobody listens any more"


def test_a_feed_of_a_root_that_is_off_may_be_silent(channel: Channel, root: Root) -> None:
    rule_for(channel, "feed_silent")
    Root.objects.update(enabled=False)
    FeedState.objects.create(kind="inotify", key="1", root=root, state="off")
    assert lasts() == []


def test_a_listener_in_trouble_is_told_of_unless_its_server_is(channel: Channel, server: Server) -> None:
    rule_for(channel, "feed_silent")
    Listener.objects.create(server=server, state="trouble", code="listener_refused")
    Server.objects.update(fails=limits.OPENS_AT)
    assert lasts() == []
    Server.objects.update(fails=0)
    [line] = lasts()
    assert line.startswith("The feed of Plex is in trouble: ")


def test_an_account_that_may_ask_no_more_is_told_of_each_day(channel: Channel) -> None:
    rule_for(channel, "budget_spent", "account_paused")
    Account.objects.create(name="Drive", kind="gdrive", per_day=10, used=10, used_on=NOW.date())
    assert lasts() == ["The account Drive has spent its requests of today (10)"]
    tomorrow = NOW + dt.timedelta(days=1)
    conditions.look(tomorrow)
    assert len(says()) == 1
    Account.objects.update(used_on=tomorrow.date(), paused=True, last_error="invalid_grant")
    conditions.look(tomorrow)
    conditions.look(tomorrow + dt.timedelta(minutes=1))
    assert sorted(says()[1:]) == [
        "The account Drive has spent its requests of today (10)",
        "The account Drive is refused: invalid_grant",
    ]


def test_new_media_is_told_of_as_the_server_says_it(channel: Channel, server: Server) -> None:
    rule_for(channel, "new_media")
    rows = [
        Arrival(server=server, key="1", kind="episode", show="Severance", season=1, episode=2, title="Half Loop"),
        Arrival(server=server, key="2", kind="movie", title="Heat", year=1995),
    ]
    rows[0].heard_at = NOW
    arrived.send(sender=Arrival, server=server, arrivals=rows)
    assert Notice.objects.filter(at=NOW).count() == 2
    subject, body, _tone = digest.compose(list(Notice.objects.order_by("pk")))
    assert subject == "New episode of Severance: S01E02 Half Loop (Plex), and 1 more"
    assert "New: Heat (1995) (Plex)" in body


def test_the_conductor_does_it(channel: Channel, root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "_next", {})
    rule_for(channel, "guard")
    Root.objects.update(guard="down", guard_code="guard_missing")
    clock = FakeClock(timezone.now())
    for _ in range(100):
        tick(clock, send=lambda *a: None, in_flight=lambda *a: False, me="test")
        clock.advance(1)
    assert Job.objects.filter(kind="notify").count() == 1
    assert Notice.objects.get().message is not None


def test_a_chore_runs_at_its_interval_also_when_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "_next", {})
    monkeypatch.setattr(chores, "_chores", {})
    chores.register("one", print, every=10)
    counts = [len(list(chores.due(after(seconds)))) for seconds in (0, 1, 9, 10, 19, 20, -5000, -4999, -4990)]
    assert counts == [1, 0, 0, 1, 0, 1, 1, 0, 1]
    with pytest.raises(ValueError, match="twice"):
        chores.register("one", repr, every=10)
