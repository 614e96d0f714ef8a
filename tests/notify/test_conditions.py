"""What is wrong now: told once when it lasts, and again when it is well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator

import pytest

from mediasync.notify import conditions
from mediasync.notify.conditions import Finding
from mediasync.notify.models import Channel, Condition, Notice

from .conftest import NOW, after, rule_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def wrong(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Finding]]:
    """What the only look of this test finds."""
    found: list[Finding] = []
    looks: dict[str, Callable[[dt.datetime], Iterable[Finding]]] = {"server_offline": lambda now: found}
    monkeypatch.setattr(conditions, "_looks", looks)
    rule_for(channel, "server_offline")
    yield found


def news() -> list[tuple[str, bool]]:
    rows = Notice.objects.order_by("pk")
    return [(notice.params["name"], bool(notice.params.get("over"))) for notice in rows]


def test_it_tells_once_what_lasts_and_that_it_is_over(wrong: list[Finding]) -> None:
    wrong.append(Finding("1", {"name": "Plex"}))
    for seconds in (0, 60, 119):
        conditions.look(after(seconds))
    assert news() == []
    for seconds in (120, 180, 9000):
        conditions.look(after(seconds))
    assert news() == [("Plex", False)]
    wrong.clear()
    conditions.look(after(9060))
    conditions.look(after(9120))
    assert news() == [("Plex", False), ("Plex", True)]
    assert not Condition.objects.exists()


def test_a_hiccup_is_no_news(wrong: list[Finding]) -> None:
    for start in (0, 200, 400):
        wrong.append(Finding("1", {"name": "Plex"}))
        conditions.look(after(start))
        wrong.clear()
        conditions.look(after(start + 60))
    assert news() == []


def test_another_reason_is_news_and_other_facts_are_not(wrong: list[Finding]) -> None:
    for start, code, n in ((0, "a", 1), (200, "a", 2), (400, "b", 3), (800, "b", 4)):
        wrong[:] = [Finding("1", {"name": f"Plex {n}"}, code)]
        conditions.look(after(start))
        conditions.look(after(start + 10))
    assert news() == [("Plex 2", False), ("Plex 4", False)]
    wrong.clear()
    conditions.look(after(900))
    assert news()[2:] == [("Plex 4", True)]


def test_a_rule_that_is_made_later_hears_of_what_lasts(wrong: list[Finding], channel: Channel) -> None:
    wrong.append(Finding("1", {"name": "Plex"}, "a"))
    conditions.look(NOW)
    conditions.look(after(120))
    later, silent = rule_for(channel, "server_offline"), rule_for(channel, "guard")
    for seconds in (130, 140):
        conditions.look(after(seconds))
    assert [notice.rule for notice in Notice.objects.order_by("pk")][1:] == [later]
    wrong[:] = [Finding("1", {"name": "Plex"}, "b")]
    conditions.look(after(200))
    conditions.look(after(400))
    assert Notice.objects.filter(rule=later).count() == 2, "another reason is news to all"
    last = rule_for(channel, "server_offline")
    wrong.clear()
    conditions.look(after(410))
    assert Notice.objects.filter(rule=later).count() == 3
    assert not Notice.objects.filter(rule__in=[last, silent]).exists(), (
        "it is no news that something unheard of is over"
    )


def test_a_look_that_fails_changes_nothing(
    wrong: list[Finding], monkeypatch: pytest.MonkeyPatch, channel: Channel
) -> None:
    wrong.append(Finding("1", {"name": "Plex"}))
    conditions.look(NOW)
    conditions.look(after(120))

    def fails(now: dt.datetime) -> list[Finding]:
        raise RuntimeError("boom")

    good = [Finding("2", {"name": "TV"})]
    rule_for(channel, "removals_held")
    monkeypatch.setattr(conditions, "_looks", {"server_offline": fails, "removals_held": lambda now: good})
    conditions.look(after(180))
    assert news() == [("Plex", False), ("TV", False)]
    assert Condition.objects.filter(event="server_offline").exists()


def test_nobody_looks_for_what_nobody_wants(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(now: dt.datetime) -> list[Finding]:
        raise AssertionError("it was asked")

    monkeypatch.setattr(conditions, "_looks", {"server_offline": fails})
    Condition.objects.create(event="server_offline", key="1", code="x", since=NOW, told_code="x")
    conditions.look(NOW)
    assert not Condition.objects.exists()


def test_it_knows_only_events() -> None:
    with pytest.raises(KeyError):
        conditions.register("nonsense", lambda now: [])
