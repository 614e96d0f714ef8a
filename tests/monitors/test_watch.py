from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from mediasync.core.clock import FakeClock
from mediasync.jobs.models import Job
from monitors.feeds import choosing, looks, watch
from monitors.feeds.kernel import wanted
from monitors.feeds.supervisor import Supervisor
from monitors.feeds.watch import Watcher
from monitors.filesystems import Place
from monitors.models import FeedState, Hint, Root
from tests.monitors.feeding import until
from tests.monitors.kinds import only_crawl

Loop = tuple[Watcher, FakeClock]


@pytest.fixture
def watcher() -> Iterator[Loop]:
    clock = FakeClock()
    made = Watcher(clock, Supervisor(clock, {"inotify": wanted}))
    with only_crawl():
        yield made, clock
        made.close()


def state(root: Root) -> str:
    return FeedState.objects.values_list("state", flat=True).filter(root=root).first() or ""


def ready(loop: Loop, root: Root) -> None:
    """Tick until the root's feed works."""

    def works() -> bool:
        loop[0].tick()
        return state(root) == "fine"

    until(works)


@pytest.mark.django_db
def test_it_turns_events_into_one_job(watcher: Loop, tmp_path: Path) -> None:
    loop, clock = watcher
    (tmp_path / "Show").mkdir()
    root = Root.objects.create(name="TV", path=str(tmp_path))
    ready(watcher, root)
    assert Job.objects.get().scope == {"root": root.pk}  # what happened before
    Job.objects.all().delete()
    for name in ("a.mkv", "b.mkv"):
        (tmp_path / "Show" / name).write_text("x")

    def submitted() -> bool:
        loop.tick()
        clock.advance(40)  # silence, unless an event comes in just now
        return Job.objects.exists()

    until(submitted)
    assert Job.objects.get().scope == {"root": root.pk, "paths": ["Show"], "shallow": True}
    feed = FeedState.objects.get()
    assert (feed.kind, feed.key, feed.gaps, feed.events > 0) == ("inotify", f"root {root.pk}", 1, True)
    assert feed.facts["watches"] == 2 and feed.facts["limit"] > 0 and feed.event_at and feed.ok_at and feed.beat_at


@pytest.mark.django_db
def test_it_puts_both_ends_of_a_move_into_one_group(watcher: Loop, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    (tmp_path / "old/a.mkv").write_text("x")
    root = Root.objects.create(name="TV", path=str(tmp_path))
    ready(watcher, root)
    (tmp_path / "old/a.mkv").rename(tmp_path / "new/a.mkv")
    until(lambda: [watcher[0].tick(), Hint.objects.count() == 2][1])
    first, second = Hint.objects.order_by("path")
    assert (first.path, second.path) == ("new", "old") and first.group == second.group != ""


@pytest.mark.django_db
def test_it_looks_at_all_of_a_folder_that_was_moved_in(watcher: Loop, tmp_path: Path) -> None:
    top = tmp_path / "tv"
    top.mkdir()
    (tmp_path / "Show/Season 1").mkdir(parents=True)
    root = Root.objects.create(name="TV", path=str(top))
    ready(watcher, root)
    (tmp_path / "Show").rename(top / "Show")
    until(lambda: [watcher[0].tick(), Hint.objects.count() == 2][1])
    assert list(Hint.objects.order_by("path").values_list("path", "deep")) == [("", False), ("Show", True)]


@pytest.mark.django_db
def test_it_follows_the_list_of_roots(watcher: Loop, tmp_path: Path) -> None:
    loop, clock = watcher
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    root = Root.objects.create(name="A", path=str(tmp_path / "a"))
    steps: list[tuple[dict[str, object], str]] = [
        ({}, "fine"),
        ({"path": str(tmp_path / "b")}, "fine"),
        ({"exclude": ["x"]}, "fine"),
        ({"watch": False}, ""),
        ({"watch": True, "enabled": False}, ""),
        ({"enabled": True}, "fine"),
        ({"path": str(tmp_path / "none")}, "trouble"),
        ({"path": str(tmp_path / "a")}, "fine"),
    ]
    for fields, wanted_state in steps:
        before = FeedState.objects.values_list("starts", flat=True).first()
        if fields:
            Root.objects.update(**fields)
        clock.advance(watch.FEEDS_SECONDS)
        loop.tick()
        until(lambda wanted_state=wanted_state: [loop.tick(), state(root) == wanted_state][1])
        if wanted_state:
            assert FeedState.objects.get().starts == (before or 0) + 1
    assert FeedState.objects.get().code == ""


@pytest.mark.django_db
def test_it_does_not_ask_the_kernel_about_remote_roots(watcher: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "place_of", lambda path: Place(b"/cloud", "fuse.rclone"))
    Root.objects.create(name="Cloud", path="/cloud")
    watcher[0].tick()
    assert not FeedState.objects.exists()


@pytest.mark.django_db
def test_it_looks_at_all_after_each_gap_but_not_again_and_again(watcher: Loop, tmp_path: Path) -> None:
    loop, clock = watcher
    top = tmp_path / "tv"
    top.mkdir()
    root = Root.objects.create(name="TV", path=str(top))
    ready(watcher, root)
    job = Job.objects.get()
    assert (job.scope, job.trigger) == ({"root": root.pk}, "watcher")
    Job.objects.all().delete()
    clock.advance(10)
    top.rename(tmp_path / "away")
    until(lambda: [loop.tick(), clock.advance(1), state(root) == "trouble"][2])
    assert FeedState.objects.get().code == "guard_missing"
    top.mkdir()
    until(lambda: [loop.tick(), clock.advance(1), state(root) == "fine"][2])
    until(lambda: [loop.tick(), Job.objects.exists()][1])  # at once, although it has just been started
    assert Job.objects.get().scope == {"root": root.pk} and FeedState.objects.get().behind == []
    FeedState.objects.update(behind=[root.pk])
    loop.tick()
    Job.objects.all().delete()
    FeedState.objects.update(behind=[root.pk])
    loop.tick()
    assert FeedState.objects.get().behind == [root.pk] and not Job.objects.exists()
    clock.advance(watch.CATCH_UP_SECONDS)
    loop.tick()
    assert Job.objects.get().scope == {"root": root.pk} and FeedState.objects.get().behind == []


@pytest.mark.django_db
def test_a_root_that_is_down_is_looked_at_when_it_recovers(
    watcher: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watcher, "check_guards", lambda self: None)
    root = Root.objects.create(name="TV", path=str(tmp_path), guard="down")
    ready(watcher, root)
    watcher[0].tick()
    assert not Job.objects.exists() and FeedState.objects.get().behind == []


@pytest.mark.django_db
def test_it_notices_that_a_root_is_back(watcher: Loop, tmp_path: Path) -> None:
    Root.objects.create(name="TV", path=str(tmp_path), guard="down", guard_code="guard_missing")
    until(lambda: [watcher[0].tick(), Root.objects.get().guard == "ok"][1])


@pytest.mark.django_db
def test_it_looks_at_once_whether_a_root_is_back_when_its_feed_is(watcher: Loop, tmp_path: Path) -> None:
    root = Root.objects.create(name="TV", path=str(tmp_path))
    ready(watcher, root)
    Root.objects.update(guard="down", guard_code="guard_missing")
    FeedState.objects.update(behind=[root.pk])
    until(lambda: [watcher[0].tick(), Root.objects.get().guard == "ok"][1])  # no time passes


@pytest.mark.django_db
def test_it_keeps_what_it_could_not_store(watcher: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Root.objects.create(name="TV", path=str(tmp_path))
    ready(watcher, root)

    def locked(*args: object, **kwargs: object) -> int:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(looks, "note", locked)
        (tmp_path / "a.mkv").write_text("x")
        with pytest.raises(OperationalError):
            until(lambda: watcher[0].tick())
    until(lambda: [watcher[0].tick(), Hint.objects.filter(name="", path="").exists()][1])


@pytest.mark.django_db
def test_a_step_that_fails_does_not_stop_the_others(
    watcher: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root = Root.objects.create(name="TV", path=str(tmp_path))
    monkeypatch.setattr(watch.hints, "settle", lambda clock: 1 / 0)
    ready(watcher, root)
    assert Job.objects.exists() and "ZeroDivisionError" in caplog.text


@pytest.mark.django_db
def test_a_tick_without_news_writes_nothing(
    watcher: Loop, tmp_path: Path, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    root = Root.objects.create(name="TV", path=str(tmp_path))
    ready(watcher, root)
    with django_assert_max_num_queries(5) as queries:
        watcher[0].tick()
    assert all(query["sql"].startswith("SELECT") for query in queries)


@pytest.mark.django_db
def test_it_waits_in_reserve_while_another_watches(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    Root.objects.create(name="TV", path=str(tmp_path))
    first, second = (Watcher(clock, Supervisor(clock, {"inotify": wanted}), me=me) for me in ("a/1/1", "b/1/1"))
    caplog.set_level("INFO")
    with only_crawl():
        first.tick()
        second.tick()
        assert (first.leads, second.leads) == (True, False) and not second.feeds.runners
        assert "waits in reserve" in caplog.text
        clock.advance(20)
        first.tick()
        clock.advance(20)
        second.tick()
        assert not second.leads  # the first one has renewed its lease
        clock.advance(20)
        second.tick()  # the first one said nothing for half a minute
        assert second.leads and second.feeds.runners
        first.tick()
        assert not first.leads and not first.feeds.runners and "has taken over" in caplog.text
        until(lambda: [second.tick(), FeedState.objects.get().state == "fine"][1])
        second.close()
        clock.advance(watch.LEAD_SECONDS)
        first.tick()
        assert first.leads  # it was given back
        first.close()
    assert FeedState.objects.get().state == "off"


@pytest.mark.django_db(transaction=True)
def test_its_loop_ends_when_told(watcher: Loop) -> None:
    stop = threading.Event()
    stop.set()
    watcher[0].run(stop)


@contextlib.contextmanager
def watching(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command over a database of its own, until it listens to signals."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
        "MEDIASYNC_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
    process = subprocess.Popen([*manage, "watch"], env=environment, stderr=subprocess.PIPE)
    try:
        until(lambda: Path(f"/proc/{process.pid}/status").read_text().split("SigCgt:")[1].split()[0][-4:] >= "4000")
        yield process
    finally:
        process.kill()
        process.communicate()


def test_its_command_ends_within_seconds_of_sigterm(tmp_path: Path) -> None:
    with watching(tmp_path) as process:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _out, errors = process.communicate(timeout=60)
        assert process.returncode == 0 and time.monotonic() - began < 10, errors


def test_its_command_is_known() -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("watch", "--help")
    assert ended.value.code == 0
