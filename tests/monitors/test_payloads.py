"""What was received is followed once, whatever happens meanwhile, and is kept for a while."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import DjangoAssertNumQueries, Settings

from mediasync.core.clock import FakeClock, system
from monitors.hints import intake
from monitors.hooks import payloads, spool
from monitors.hooks import services as hooks
from monitors.models import Hint, Hook, Payload, Root
from tests.monitors.hooking import payload

pytestmark = pytest.mark.django_db
IMPORT = {"eventType": "Download", "series": {"path": "/tv/Show"}, "episodeFile": {"relativePath": "S01/a.mkv"}}
RENAME = {"eventType": "Rename", "series": {"path": "/tv/B"}, "renamedEpisodeFiles": [
    {"previousPath": "/tv/A/a.mkv", "relativePath": "b.mkv"}]}  # fmt: skip


@pytest.fixture
def hook() -> Hook:
    return hooks.add_hook("sonarr", "sonarr")


@pytest.fixture(autouse=True)
def spool_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "spool"


@pytest.fixture
def root() -> Root:
    return Root.objects.create(name="TV", path="/tv", minimum_entries=0)


def again(row: Payload) -> Payload:
    return Payload.objects.get(pk=row.pk)


def test_it_makes_hints_of_a_payload(hook: Hook, root: Root) -> None:
    clock = FakeClock(system.now())
    row = payload(hook, IMPORT)
    assert payloads.parse_waiting(clock) == 1
    done = again(row)
    assert (done.state, done.event, done.hints, done.params) == ("done", "Download", 1, {"paths": 1})
    assert done.notices[0]["path"] == "/tv/Show/S01/a.mkv"
    hint = Hint.objects.get()
    assert (hint.root, hint.path, hint.name) == (root, "Show/S01", "a.mkv")
    assert (hint.source, hint.reference) == ("sonarr", f"payload {row.pk}")
    assert Hook.objects.get().received_at == row.at
    assert payloads.parse_waiting(clock) == 0


def test_it_uses_what_the_hook_says_about_waiting(root: Root) -> None:
    hook = hooks.add_hook("sonarr", "sonarr", debounce=3.0, wait_for_file=False)
    clock = FakeClock(system.now())
    payload(hook, IMPORT)
    payloads.parse_waiting(clock)
    hint = Hint.objects.get()
    assert (hint.due_at - clock.now()).total_seconds() == pytest.approx(3)
    assert hint.name == ""


def test_it_gives_both_halves_of_a_rename_one_group(hook: Hook, root: Root) -> None:
    payload(hook, RENAME)
    payloads.parse_waiting()
    assert set(Hint.objects.values_list("path", "name")) == {("A", ""), ("B", "b.mkv")}
    assert len({hint.group for hint in Hint.objects.all()}) == 1


@pytest.mark.parametrize(
    ("body", "state", "code"),
    [
        (b"{broken", "rejected", "call_bad_json"),
        (b"\xff\xfe\xfd", "rejected", "call_body_not_text"),
        ({"eventType": "Test", "series": {"path": "/tv/Show"}}, "ignored", "call_event_without_change"),
        ({"eventType": "Frobnicate"}, "ignored", "call_event_unknown"),
        ({"eventType": "Download"}, "rejected", "call_no_path"),
    ],
)
def test_it_records_why_nothing_came_of_it(hook: Hook, root: Root, body: Any, state: str, code: str) -> None:
    row = payload(hook, body)
    payloads.parse_waiting()
    assert (again(row).state, again(row).code) == (state, code)
    assert again(row).parsed_at is not None
    assert not Hint.objects.exists()


def test_it_stores_what_a_reader_that_fails_left(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.triggers.Received.data", lambda self: 1 / 0)
    row = payload(hook, IMPORT)
    payloads.parse_waiting()
    assert (again(row).state, again(row).code) == ("rejected", "call_failed")
    assert "ZeroDivisionError" in again(row).params["error"]


def test_it_lets_one_that_cannot_be_followed_stop_no_other(
    hook: Hook, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = payload(hook, RENAME), payload(hook, IMPORT)
    real = intake.take_in

    def fail(notices: Any, *args: Any, **more: Any) -> int:
        if len(notices) == 2:
            Hint.objects.create(path="half")
            raise OperationalError("index row size exceeds maximum")
        return real(notices, *args, **more)

    monkeypatch.setattr(intake, "take_in", fail)
    assert payloads.parse_waiting() == 1
    assert (again(bad).state, again(good).state) == ("received", "done")
    assert not Hint.objects.filter(path="half").exists()
    for _ in range(payloads.TRIES):
        payloads.parse_waiting()
    assert (again(bad).state, again(bad).code) == ("rejected", "call_failed")
    monkeypatch.setattr(intake, "take_in", real)
    copy = payloads.replay(again(bad))
    payloads.parse_waiting()
    assert again(copy).state == "done"


def test_it_gives_nothing_up_while_the_database_does_not_answer(
    hook: Hook, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = payload(hook, IMPORT)

    def down(*_args: Any, **_more: Any) -> Any:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(intake, "take_in", down)
        patch.setattr("django.db.models.query.QuerySet.update", down)
        for _ in range(2 * payloads.TRIES):
            with pytest.raises(OperationalError):
                payloads.parse_waiting()
    assert again(row).state == "received"
    assert payloads.parse_waiting() == 1


def test_it_parses_a_burst_in_the_order_of_arrival_block_by_block(hook: Hook, root: Root) -> None:
    rows = [payload(hook, IMPORT | {"episodeFile": {"relativePath": f"{number}.mkv"}}) for number in range(30)]
    assert payloads.parse_waiting(limit=20) == 20
    left = list(Payload.objects.filter(state="received").order_by("pk").values_list("pk", flat=True))
    assert left == [row.pk for row in rows[20:]]
    assert payloads.parse_waiting(limit=20) == 10
    assert Hint.objects.count() == 30


# -- Replay and retention


def test_it_replays_as_if_it_came_now(hook: Hook, root: Root) -> None:
    row = payload(hook, IMPORT, query="a=1", headers={"X": "y"}, sender="10.0.0.1")
    payloads.parse_waiting()
    copy = payloads.replay(again(row))
    assert (copy.replay_of, copy.state, bytes(copy.body)) == (row, "received", bytes(again(row).body))
    payloads.parse_waiting()
    assert again(copy).state == "done"
    assert Hint.objects.get().hits == 2


def test_it_forgets_old_payloads_but_none_that_waits(
    hook: Hook, settings: Settings, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    clock = FakeClock(system.now())
    old = clock.now() - dt.timedelta(days=settings.KEEP_PAYLOADS_DAYS, hours=1)
    gone, waits, young = payload(hook, at=old, state="done"), payload(hook, at=old), payload(hook, state="done")
    copy = Payload.objects.create(hook=hook, replay_of=gone, state="done")
    with django_assert_max_num_queries(8):
        assert payloads.forget(clock) == 1
    assert set(Payload.objects.values_list("pk", flat=True)) == {waits.pk, young.pk, copy.pk}
    assert again(copy).replay_of is None
    payloads.remove_hook(hook)
    assert not Payload.objects.exists() and not Hook.objects.exists()


# -- The spool


def test_it_takes_in_what_was_spooled(hook: Hook, root: Root, spool_folder: Path) -> None:
    body = json.dumps(IMPORT).encode()
    spool.keep(Payload(hook=hook, method="POST", path="/hooks/sonarr/", body=body, headers={"A": "b"}))
    (file,) = spool_folder.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert payloads.parse_waiting() == 1
    assert Payload.objects.get().state == "done"
    assert not list(spool_folder.iterdir())


def test_it_sets_rubbish_in_the_spool_aside(hook: Hook, spool_folder: Path) -> None:
    spool.keep(Payload(hook=hook, method="POST", path="/", body=b"{}"))
    spool_folder.joinpath("0-half.part").write_bytes(b'{"at')
    for number, text in enumerate(("", "{}", "[]", '{"at": 7, "body": 7}', '{"at": "x"}')):
        spool_folder.joinpath(f"{number}.json").write_text(text)
    right = {"at": "2026-01-01T00:00:00+00:00", "body": base64.b64encode(b"x").decode()}
    spool_folder.joinpath("8.json").write_text(json.dumps(right | {"what": 1}))
    spool_folder.joinpath("9.json").write_text(json.dumps(right | {"hook_id": 10**6, "path": "/"}))
    assert spool.take() == 2
    assert Payload.objects.count() == 1
    assert sorted(file.suffix for file in spool_folder.iterdir()) == [".bad"] * 6 + [".part"]


def test_it_keeps_what_it_cannot_store_yet(hook: Hook, spool_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.keep(Payload(hook=hook, method="POST", path="/", body=b"{}"))

    def locked(*_args: Any, **_more: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(Payload, "save", locked)
        with pytest.raises(OperationalError):
            payloads.parse_waiting()
    assert len(list(spool_folder.iterdir())) == 1
    assert spool.take() == 1


def test_it_bounds_the_spool(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST", 2)
    row = Payload(hook=hook, method="POST", path="/", body=b"{}")
    spool.keep(row)
    spool.keep(row)
    with pytest.raises(spool.Full):
        spool.keep(row)
