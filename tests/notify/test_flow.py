"""From what happened to what arrives."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import OperationalError

from mediasync.core.clock import FakeClock
from mediasync.jobs import promotion
from mediasync.jobs import services as jobs
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.jobs.registry import JobKind, registered
from mediasync.notify import postman, selectors, sending, services
from mediasync.notify.models import Channel, Message, Notice, Rule

from .conftest import NOW, SECRET, Sink, after, rule_for
from .test_noticing import Boom

pytestmark = pytest.mark.django_db
State = Message.State


def turn(now: dt.datetime) -> None:
    """Let the conductor and a worker do what is due."""
    sending.run(now)
    for job in Job.objects.filter(kind="notify", state__in=("queued", "scheduled")):
        drain(job.pk, clock=FakeClock(now))


def tell(now: dt.datetime = NOW, event: str = "cleanup_report", **params: Any) -> int:
    return services.tell(event, {"text": "done"} | params, now=now)


def test_it_tells_whoever_wants_to_know(channel: Channel, sink: Sink) -> None:
    rule_for(channel, "cleanup_report", "guard")
    rule_for(channel, "guard")
    assert tell() == 1
    turn(NOW)
    assert sink.titles == ["Clean-up: done"]
    message = Message.objects.get()
    assert (message.state, message.ended_at, message.attempts) == (State.SENT, NOW, 1)
    turn(after(600))
    assert len(sink.taken) == 1, "once"


def test_it_gathers_what_happens_in_the_window(channel: Channel, sink: Sink) -> None:
    rule_for(channel, "new_media", window=300)
    for number in range(12):
        params = {"show": "Severance", "season": 1, "episode": number}
        services.tell("new_media", params, now=after(number * 20))
        turn(after(number * 20))
    assert sink.taken == []
    turn(after(300))
    assert sink.titles == ["12 new episodes of Severance"]
    assert Notice.objects.filter(message=None).count() == 0


def test_it_waits_for_the_end_of_the_quiet_hours(channel: Channel, sink: Sink) -> None:
    Channel.objects.update(quiet_from="11:00", quiet_to="13:00")
    rule_for(channel, "cleanup_report")
    rule_for(channel, "guard", urgent=True)
    tell()
    services.tell("guard", {"name": "TV", "code": "guard_missing"}, now=NOW)
    turn(NOW)
    assert len(sink.taken) == 1 and "TV" in sink.titles[0]
    tell(after(60), text="again")
    turn(after(3600))
    assert sink.titles[1] == "2 clean-up reports"


@pytest.mark.parametrize(
    ("begin", "end", "quiet"),
    [("22:00", "08:00", False), ("11:00", "12:00", False), ("12:00", "12:01", True), ("23:00", "13:00", True)],
)
def test_it_knows_the_quiet_hours(channel: Channel, begin: str, end: str, quiet: bool) -> None:
    Channel.objects.update(quiet_from=begin, quiet_to=end)
    channel.refresh_from_db()
    assert selectors.quiet(channel, NOW) is quiet


@pytest.mark.parametrize(
    ("when", "quiet"),
    [
        ("2026-03-28T21:59+00:00", False),  # 22:59 in Berlin, winter
        ("2026-03-28T22:00+00:00", True),
        ("2026-03-29T04:59+00:00", True),  # 06:59, summer since 01:00 UTC
        ("2026-03-29T05:00+00:00", False),
        ("2026-10-25T00:30+00:00", True),  # 02:30, which comes twice
        ("2026-10-25T01:30+00:00", True),
        ("2026-10-25T05:59+00:00", True),  # 06:59, winter again
        ("2026-10-25T06:00+00:00", False),
    ],
)
def test_it_keeps_the_quiet_hours_of_the_wall_clock(channel: Channel, settings: Any, when: str, quiet: bool) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    Channel.objects.update(quiet_from="23:00", quiet_to="07:00")
    channel.refresh_from_db()
    assert selectors.quiet(channel, dt.datetime.fromisoformat(when)) is quiet


@pytest.mark.parametrize("urgent", [False, True])
def test_it_tries_again_at_night_only_what_is_urgent(channel: Channel, sink: Sink, urgent: bool) -> None:
    Channel.objects.update(quiet_from="12:00:30", quiet_to="13:00")
    rule_for(channel, "cleanup_report", urgent=urgent)
    sink.status = 503
    tell()
    turn(NOW)
    sink.status = 200
    turn(after(60))
    assert len(sink.taken) == (2 if urgent else 1)
    if not urgent:
        services.send_again(Message.objects.get(), after(90))
    turn(after(90))
    assert len(sink.taken) == 2, "a person wants it sent"


def test_a_channel_that_fails_is_tried_with_one_message_at_a_time(channel: Channel, sink: Sink) -> None:
    for _ in range(3):
        rule_for(channel, "cleanup_report")
    sink.status = 503
    tell()
    for seconds in (0, 5, 10):
        turn(after(seconds))
    assert (len(sink.taken), Message.objects.count()) == (1, 3)
    sink.status = 200
    turn(after(60))
    assert len(sink.taken) == 4 and set(Message.objects.values_list("state", flat=True)) == {State.SENT}


def test_messages_never_take_the_last_worker(channel: Channel) -> None:
    other = Channel.objects.create(name="Other", url_sealed=channel.url_sealed, service="JSON")
    for each in (channel, other):
        rule_for(each, "cleanup_report")
    tell()
    sending.run(NOW)
    with registered(JobKind("look", "Look", (Boom(),))):
        jobs.submit("look", {})
        promotion.start_queued(NOW, send=lambda *what: None, workers=2)
    started = Job.objects.exclude(state="queued").values_list("kind", flat=True)
    assert sorted(started) == ["look", "notify"]
    assert Job.objects.get(state="queued").reason_code == "heavy_limit"


def test_it_tries_again_with_growing_pauses_and_gathers_meanwhile(channel: Channel, sink: Sink) -> None:
    rule_for(channel, "cleanup_report")
    sink.status = 503
    tell()
    turn(NOW)
    message = Message.objects.get()
    assert (message.state, message.next_try_at) == (State.WAITING, after(60))
    assert Job.objects.get().state == "completed", "a channel that is down is no failed job"
    tell(after(10), text="two")
    turn(after(59))
    assert len(sink.taken) == 1 and Message.objects.count() == 1
    turn(after(60))
    message.refresh_from_db()
    assert (message.attempts, message.next_try_at) == (2, after(180))
    sink.status = 200
    turn(after(180))
    turn(after(181))
    assert sink.titles[2:] == ["Clean-up: done", "Clean-up: two"]
    channel.refresh_from_db()
    assert (channel.last_error, channel.sent_at) == ("", after(181))


def test_it_gives_up_after_a_day(channel: Channel, sink: Sink) -> None:
    rule_for(channel, "cleanup_report")
    sink.status = 500
    tell()
    turn(NOW)
    turn(after(86400))
    assert Message.objects.get().state == State.FAILED
    services.send_again(Message.objects.get(), after(90000))
    sink.status = 200
    turn(after(90000))
    assert Message.objects.get().state == State.SENT


def test_no_secret_stands_in_the_reason(channel: Channel, sink: Sink) -> None:
    rule_for(channel, "cleanup_report")
    sink.close()
    tell()
    turn(NOW)
    message = Message.objects.get()
    assert message.error and SECRET not in message.error
    text = f"POST http://user:{SECRET}@h/{SECRET}-path failed"
    assert SECRET not in postman._without(text, sink.url, "json://user:****@h/")


def test_a_message_whose_sender_died_is_not_sent_twice(channel: Channel, sink: Sink) -> None:
    rule_for(channel, "cleanup_report")
    tell()
    sending.run(NOW)
    message = Message.objects.get()
    assert sending.claim(message.pk, NOW) is not None
    assert sending.claim(message.pk, NOW) is None, "only one takes it"
    turn(after(60))
    assert sink.taken == []
    turn(after(3600))
    message.refresh_from_db()
    assert (message.state, sink.taken) == (State.UNSURE, [])


def test_what_came_too_late_changes_nothing(channel: Channel) -> None:
    message = Message.objects.create(channel=channel, subject="x", state=State.UNSURE, attempts=1)
    services.finish(message, "boom", NOW)
    assert Message.objects.get().state == State.UNSURE


def test_one_channel_that_is_off_or_broken_does_not_stop_another(channel: Channel, sink: Sink) -> None:
    broken = Channel.objects.create(name="Broken", url_sealed="rubbish", service="JSON")
    rule_for(broken, "cleanup_report")
    rule_for(Channel.objects.create(name="Off", enabled=False), "cleanup_report")
    rule_for(channel, "cleanup_report")
    assert tell() == 2
    turn(NOW)
    assert sink.titles == ["Clean-up: done"]
    assert "enter it again" in Message.objects.get(channel=broken).error


def test_a_notice_that_cannot_be_written_up_does_not_stop_other_rules(
    channel: Channel, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule_for(channel, "guard")
    rule_for(channel, "cleanup_report")
    tell()
    services.tell("guard", {"name": "TV"}, now=NOW)
    compose = sending.digest.compose

    def fails(notices: list[Notice]) -> tuple[str, str, str]:
        if notices[0].event == "guard":
            raise RuntimeError("boom")
        return compose(notices)

    monkeypatch.setattr(sending.digest, "compose", fails)
    turn(NOW)
    assert sink.titles == ["Clean-up: done"]


def test_an_event_of_another_version_is_passed_over(channel: Channel, sink: Sink) -> None:
    rule = rule_for(channel, "cleanup_report")
    Notice.objects.create(rule=rule, event="nobody-knows", at=NOW)
    tell()
    turn(NOW)
    assert sink.titles == ["Clean-up: done"]


def test_it_tells_a_key_once(channel: Channel) -> None:
    rule_for(channel, "cleanup_report")
    for _ in range(3):
        services.tell("cleanup_report", {}, key="k", now=NOW)
    services.tell("cleanup_report", {}, now=NOW)
    services.tell("cleanup_report", {}, now=NOW)
    assert Notice.objects.count() == 3


@pytest.mark.parametrize("rubbish", ["\0", "\ud800", float("nan"), object(), b"\xff", {1: {2}}])
def test_it_can_be_told_rubbish(channel: Channel, rubbish: Any) -> None:
    rule_for(channel, "cleanup_report")
    assert tell(text=rubbish) == 1
    sending.run(NOW)
    assert Message.objects.count() == 1


def test_it_refuses_an_event_that_nobody_can_want() -> None:
    with pytest.raises(ValueError, match="no event"):
        services.tell("nonsense", {})


def test_it_removes_what_is_old(channel: Channel) -> None:
    rule = rule_for(channel, "cleanup_report")
    tell()
    sending.run(NOW)
    Message.objects.update(state=State.SENT)
    tell()
    waiting = Message.objects.create(channel=channel, subject="waits", created=NOW)
    assert sending.prune(after(29 * 86400)) == 0
    assert sending.prune(after(31 * 86400)) == 3
    assert list(Message.objects.all()) == [waiting]
    assert Rule.objects.get(pk=rule.pk)


def test_two_conductors_make_one_message(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rule_for(channel, "cleanup_report")
    tell()
    compose = sending.digest.compose

    def overtaken(notices: list[Notice]) -> tuple[str, str, str]:
        monkeypatch.setattr(sending.digest, "compose", compose)
        assert sending.bundle(rule, NOW) is not None
        return compose(notices)

    monkeypatch.setattr(sending.digest, "compose", overtaken)
    assert sending.bundle(rule, NOW) is None
    assert Message.objects.count() == 1


def test_whoever_tells_is_not_stopped_by_the_database(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    rule_for(channel, "cleanup_report")

    def locked(*args: Any, **more: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_create", locked)
    assert tell() == 0


def test_twenty_thousand_new_titles_are_one_message(channel: Channel, sink: Sink) -> None:
    rule_for(channel, "new_media")
    services.tell_all("new_media", [{"title": f"Film {number}"} for number in range(20_000)], now=NOW)
    turn(NOW)
    assert sink.titles == ["20000 new titles"]
    assert Notice.objects.filter(message=None).count() == 0
