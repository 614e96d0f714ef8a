from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from mediasync.core.clock import FakeClock
from mediasync.jobs.models import Job
from monitors.feeds import inotify, tree, watch
from monitors.feeds.tree import Tree
from monitors.feeds.watch import Watcher
from monitors.filesystems import Place
from monitors.filters import Filter, make_keep
from monitors.models import Hint, Root
from tests.monitors.kinds import only_crawl

keep = make_keep(Filter(exclude=("sample",)).spec())


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Tree]:
    (tmp_path / "Show/Season 1").mkdir(parents=True)
    (tmp_path / "Show/sample").mkdir()
    made = Tree(os.fsencode(tmp_path), keep)
    yield made
    made.close()


def seen(watched: Tree) -> set[str]:
    found = watched.changed(1.0)
    while more := watched.changed(0.05):
        found |= more
    return found


def test_it_watches_every_folder_that_counts(watched: Tree) -> None:
    assert len(watched) == 3


@pytest.mark.parametrize(
    ("act", "folders"),
    [
        (lambda root: (root / "Show/Season 1/a.mkv").write_text("x"), {"Show/Season 1"}),
        (lambda root: (root / "Show/a.part").write_text("x"), set()),
        (lambda root: (root / "Show/sample/a.mkv").write_text("x"), set()),
        (lambda root: (root / "Show/Season 1").rmdir(), {"Show"}),
        (lambda root: (root / "Show/Season 1").rename(root / "New"), {"Show", "", "New"}),
        (lambda root: (root / "Show/Season 2").mkdir(), {"Show", "Show/Season 2"}),
        (lambda root: (root / "link").symlink_to("Show"), {""}),
    ],
)
def test_it_names_the_folder_to_look_at(
    watched: Tree, tmp_path: Path, act: Callable[[Path], object], folders: set[str]
) -> None:
    act(tmp_path)
    assert seen(watched) == folders


def test_it_sees_the_end_of_a_download_by_its_rename(watched: Tree, tmp_path: Path) -> None:
    (tmp_path / "Show/a.mkv.part").write_text("x")
    (tmp_path / "Show/a.mkv.part").rename(tmp_path / "Show/a.mkv")
    assert seen(watched) == {"Show"}


def test_it_follows_folders_that_are_made_moved_and_removed(watched: Tree, tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    seen(watched)
    (tmp_path / "a").rename(tmp_path / "z")
    seen(watched)
    (tmp_path / "z/b/c/x.mkv").write_text("x")
    assert seen(watched) == {"z/b/c"}
    for folder in ("z/b/c/x.mkv",):
        (tmp_path / folder).unlink()
    for folder in ("z/b/c", "z/b", "z"):
        (tmp_path / folder).rmdir()
    seen(watched)
    assert len(watched) == 3 == len(watched._watches)


def test_it_takes_names_that_are_no_text(watched: Tree, tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\n" + b"x" * 250)
    assert "" in seen(watched) and len(watched) == 4


def test_it_notices_that_its_root_left(watched: Tree, tmp_path: Path) -> None:
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    seen(watched)
    assert watched.gone and not watched.is_there(os.fsencode(tmp_path))


def test_it_notices_lost_events(watched: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late").mkdir()
    monkeypatch.setattr(watched._inotify, "read", lambda seconds: iter([(-1, inotify.OVERFLOW, b"")]))
    assert watched.changed(0) == set() and watched.overflowed
    monkeypatch.undo()
    watched.rebuild()
    assert not watched.overflowed and len(watched) == 4


def test_it_stops_at_the_limit_and_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(10):
        (tmp_path / f"d{n}").mkdir()
    add = inotify.Inotify.add

    def limited(self: inotify.Inotify, path: bytes) -> int:
        if len(made) >= 5:
            raise OSError(28, "No space left on device")
        made.append(path)
        return add(self, path)

    made: list[bytes] = []
    monkeypatch.setattr(inotify.Inotify, "add", limited)
    limited_tree = Tree(os.fsencode(tmp_path), keep)
    assert limited_tree.full and len(limited_tree) == 5
    assert "max_user_watches" in tree.LIMIT
    limited_tree.close()


@pytest.fixture
def watcher() -> Iterator[tuple[Watcher, FakeClock]]:
    clock = FakeClock()
    made = Watcher(clock)
    with only_crawl():
        yield made, clock
        made.close()


def ready(watcher: Watcher, root: Root) -> None:
    assert watcher.watches[root.pk].built.wait(5)


def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.django_db
def test_it_turns_events_into_one_job(watcher: tuple[Watcher, FakeClock], tmp_path: Path) -> None:
    loop, clock = watcher
    (tmp_path / "Show").mkdir()
    root = Root.objects.create(name="TV", path=str(tmp_path))
    loop.tick()
    ready(loop, root)
    loop.tick()
    Job.objects.all().delete()  # the look at what happened before
    for name in ("a.mkv", "b.mkv"):
        (tmp_path / "Show" / name).write_text("x")

    def submitted() -> bool:
        loop.tick()
        clock.advance(20)  # silence, unless an event comes in just now
        return Job.objects.exists()

    until(submitted)
    assert Job.objects.get().scope == {"root": root.pk, "paths": ["Show"], "shallow": True}


@pytest.mark.django_db
def test_it_follows_the_list_of_roots(watcher: tuple[Watcher, FakeClock], tmp_path: Path) -> None:
    loop, clock = watcher
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    root = Root.objects.create(name="A", path=str(tmp_path / "a"))
    steps: list[tuple[dict[str, object], bool]] = [
        ({}, True),
        ({"path": str(tmp_path / "b")}, True),
        ({"exclude": ["x"]}, True),
        ({"watch": False}, False),
        ({"watch": True, "enabled": False}, False),
        ({"enabled": True}, True),
        ({"path": str(tmp_path / "none")}, False),
        ({"path": str(tmp_path / "a")}, True),
    ]
    for fields, is_watched in steps:
        if fields:
            Root.objects.update(**fields)
        root.refresh_from_db()
        clock.advance(watch.ROOTS_SECONDS)
        loop.tick()
        if is_watched:
            ready(loop, root)
            assert loop.watches[root.pk].key == watch.key_of(root)
        elif root.pk in loop.watches:
            until(lambda: loop.watches[root.pk].ended)


@pytest.mark.django_db
def test_it_leaves_remote_roots_to_their_schedule(
    watcher: tuple[Watcher, FakeClock], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch, "place_of", lambda path: Place(b"/cloud", "fuse.rclone"))
    Root.objects.create(name="Cloud", path="/cloud")
    loop, clock = watcher
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            loop.tick()
            clock.advance(watch.ROOTS_SECONDS)
    assert not loop.watches
    assert [record.getMessage() for record in caplog.records if "fuse.rclone" in record.getMessage()] == [
        "Cloud lies on fuse.rclone, which tells of no changes: it is crawled by schedule"
    ]


@pytest.mark.django_db
def test_it_asks_for_a_look_at_all_after_lost_events(watcher: tuple[Watcher, FakeClock], tmp_path: Path) -> None:
    loop, _clock = watcher
    root = Root.objects.create(name="TV", path=str(tmp_path))
    loop.tick()
    ready(loop, root)
    Job.objects.all().delete()
    loop.watches[root.pk].behind.set()
    loop.tick()
    assert Job.objects.get().scope == {"root": root.pk}


@pytest.mark.django_db
def test_it_asks_for_a_look_at_what_happened_before_it_watched(
    watcher: tuple[Watcher, FakeClock], tmp_path: Path
) -> None:
    loop, clock = watcher
    top = tmp_path / "tv"
    top.mkdir()
    root = Root.objects.create(name="TV", path=str(top))
    for _ in ("at the start", "after a gap"):
        Job.objects.all().delete()
        loop.tick()
        ready(loop, root)
        loop.tick()
        job = Job.objects.get()
        assert (job.scope, job.trigger) == ({"root": root.pk}, "watcher")
        top.rename(tmp_path / "away")
        until(lambda: loop.watches[root.pk].ended)
        top.mkdir()
        clock.advance(watch.ROOTS_SECONDS)
        (tmp_path / "away").rmdir()


@pytest.mark.django_db
def test_a_root_that_is_down_is_looked_at_when_it_recovers(
    watcher: tuple[Watcher, FakeClock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, _clock = watcher
    monkeypatch.setattr(Watcher, "check_guards", lambda self: None)
    root = Root.objects.create(name="TV", path=str(tmp_path), guard="down")
    loop.tick()
    ready(loop, root)
    loop.tick()
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_it_notices_that_a_root_is_back(watcher: tuple[Watcher, FakeClock], tmp_path: Path) -> None:
    loop, _clock = watcher
    Root.objects.create(name="TV", path=str(tmp_path), guard="down", guard_code="guard_missing")

    def is_ok() -> bool:
        loop.tick()
        return Root.objects.get().guard == "ok"

    until(is_ok)


@pytest.mark.django_db
def test_it_keeps_what_it_could_not_store(watcher: tuple[Watcher, FakeClock], monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    loop, _clock = watcher
    root = Root.objects.create(name="TV", path="/none")
    loop.inbox.put(root.pk, ["a"])

    def locked(*args: object, **kwargs: object) -> int:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch, pytest.raises(OperationalError):
        patch.setattr(watch.hints, "add", locked)
        loop.flush()
    loop.flush()
    assert Hint.objects.get().path == "a"


@pytest.mark.django_db(transaction=True)
def test_its_loop_ends_when_told(watcher: tuple[Watcher, FakeClock]) -> None:
    stop = threading.Event()
    stop.set()
    watcher[0].run(stop)


def test_its_command_ends_within_seconds_of_sigterm(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
        "MEDIASYNC_DATA": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
    process = subprocess.Popen([*manage, "watch"], env=environment, stderr=subprocess.PIPE)
    until(lambda: Path(f"/proc/{process.pid}/status").read_text().split("SigCgt:")[1].split()[0][-4:] >= "4000", 20)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _out, errors = process.communicate(timeout=10)
    assert process.returncode == 0 and time.monotonic() - began < 3, errors


def test_its_command_is_known() -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("watch", "--help")
    assert ended.value.code == 0
