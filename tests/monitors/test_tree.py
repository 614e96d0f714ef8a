from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitors.feeds import inotify
from monitors.feeds.tree import Heard, Tree
from monitors.filters import Filter, make_keep

keep = make_keep(Filter(exclude=("sample",)).spec())


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Tree]:
    (tmp_path / "Show/Season 1").mkdir(parents=True)
    (tmp_path / "Show/sample").mkdir()
    made = Tree(os.fsencode(tmp_path), keep)
    yield made
    made.close()


def seen(watched: Tree) -> Heard:
    """Return all that is heard until it is quiet."""
    found = watched.changed(1.0)
    while more := watched.changed(0.05):
        found.folders |= more.folders
        found.names |= more.names
        found.arrived |= more.arrived
        found.moves |= more.moves
        found.tests += more.tests
    return found


def test_it_watches_every_folder_that_counts(watched: Tree) -> None:
    assert len(watched) == 3


@pytest.mark.parametrize(
    ("act", "folders", "arrived"),
    [
        (lambda root: (root / "Show/Season 1/a.mkv").write_text("x"), {"Show/Season 1"}, set()),
        (lambda root: (root / "Show/a.part").write_text("x"), set(), set()),
        (lambda root: (root / "Show/sample/a.mkv").write_text("x"), set(), set()),
        (lambda root: (root / "Show/Season 1").rmdir(), {"Show"}, set()),
        (lambda root: (root / "Show/Season 1").rename(root / "New"), {"Show", ""}, {"New"}),
        (lambda root: (root / "Show/Season 2").mkdir(), {"Show"}, {"Show/Season 2"}),
        (lambda root: os.utime(root / "Show/Season 1"), set(), set()),
        (lambda root: (root / "Show/Season 1").chmod(0o700), set(), set()),
    ],
)
def test_it_names_the_folder_to_look_at(
    watched: Tree, tmp_path: Path, act: Callable[[Path], object], folders: set[str], arrived: set[str]
) -> None:
    act(tmp_path)
    heard = seen(watched)
    assert (heard.folders, set(heard.arrived), heard.names) == (folders, arrived, set())


def test_it_names_a_file_that_was_begun_and_is_not_written_yet(watched: Tree, tmp_path: Path) -> None:
    with (tmp_path / "Show/a.mkv").open("w"):
        heard = seen(watched)
    assert (heard.folders, heard.names) == (set(), {("Show", "a.mkv")})
    assert seen(watched).folders == {"Show"}
    (tmp_path / "link").symlink_to("Show/a.mkv")
    os.link(tmp_path / "Show/a.mkv", tmp_path / "hard.mkv")
    assert seen(watched).names == {("", "link"), ("", "hard.mkv")}


def test_it_sees_the_end_of_a_download_by_its_rename(watched: Tree, tmp_path: Path) -> None:
    (tmp_path / "Show/a.mkv.part").write_text("x")
    (tmp_path / "Show/a.mkv.part").rename(tmp_path / "Show/a.mkv")
    heard = seen(watched)
    assert (heard.folders, heard.moves) == ({"Show"}, {})


def test_it_knows_both_ends_of_a_move(watched: Tree, tmp_path: Path) -> None:
    (tmp_path / "Show/a.mkv").write_text("x")
    seen(watched)
    (tmp_path / "Show/a.mkv").rename(tmp_path / "Show/Season 1/b.mkv")
    assert list(seen(watched).moves.values()) == [{"Show", "Show/Season 1"}]
    (tmp_path / "Show").rename(tmp_path / "Series")
    assert seen(watched).moves == {}  # one folder
    (tmp_path / "Series/Season 1").rename(tmp_path / "Season 1")
    heard = seen(watched)
    [(cookie, ends)] = heard.moves.items()
    assert ends == {"Series", ""} and heard.arrived == {"Season 1": cookie}


def test_it_knows_both_ends_of_a_move_that_came_in_two_reads(
    watched: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Show/a.mkv").write_text("x")
    seen(watched)
    (tmp_path / "Show/a.mkv").rename(tmp_path / "a.mkv")
    events = list(watched._inotify.read(1.0))
    assert len(events) == 2
    heard = []
    for event in events:
        monkeypatch.setattr(watched._inotify, "read", lambda seconds, event=event: iter([event]))
        heard.append(watched.changed(0))
    assert (heard[0].folders, heard[0].moves) == ({"Show"}, {})
    assert list(heard[1].moves.values()) == [{"Show", ""}]


def test_it_takes_what_left_the_root_for_no_move(watched: Tree, tmp_path: Path) -> None:
    outside = tmp_path.with_name(tmp_path.name + "-outside")
    (tmp_path / "Show/Season 1").rename(outside)
    heard = seen(watched)
    assert (heard.folders, heard.moves, len(watched)) == ({"Show"}, {}, 2)
    (outside / "x.mkv").write_text("x")
    assert not seen(watched)


def test_it_follows_folders_that_are_made_moved_and_removed(watched: Tree, tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    seen(watched)
    (tmp_path / "a").rename(tmp_path / "z")
    seen(watched)
    (tmp_path / "z/b/c/x.mkv").write_text("x")
    assert seen(watched).folders == {"z/b/c"}
    (tmp_path / "z/b/c/x.mkv").unlink()
    for folder in ("z/b/c", "z/b", "z"):
        (tmp_path / folder).rmdir()
    seen(watched)
    assert len(watched) == 3 == len(watched._watches)


def test_it_watches_a_folder_that_took_the_place_of_one_still_open(watched: Tree, tmp_path: Path) -> None:
    handle = os.open(tmp_path / "Show/Season 1", os.O_RDONLY)
    (tmp_path / "Show/Season 1").rmdir()
    (tmp_path / "Show/Season 1").mkdir()
    seen(watched)
    os.close(handle)  # only now the kernel says that its watch has ended
    seen(watched)
    (tmp_path / "Show/Season 1/a.mkv").write_text("x")
    assert seen(watched).folders == {"Show/Season 1"}


def test_it_takes_names_that_are_no_text(watched: Tree, tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\n" + b"x" * 250)
    assert "" in seen(watched).folders and len(watched) == 4


def test_it_hears_a_self_test_and_takes_it_for_nothing_else(watched: Tree, tmp_path: Path) -> None:
    (tmp_path / ".mediasync-selftest-1").write_text("")
    (tmp_path / ".mediasync-selftest-1").unlink()
    heard = seen(watched)
    assert (heard.tests, heard.folders, heard.names) == ([".mediasync-selftest-1"], set(), set())


def test_it_notices_that_its_root_left(watched: Tree, tmp_path: Path) -> None:
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    seen(watched)
    assert watched.gone and not watched.is_there(os.fsencode(tmp_path))


def test_it_notices_lost_events(watched: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late").mkdir()
    monkeypatch.setattr(watched._inotify, "read", lambda seconds: iter([(-1, inotify.OVERFLOW, 0, b"")]))
    assert not watched.changed(0) and watched.overflowed
    monkeypatch.undo()
    watched.rebuild()
    assert not watched.overflowed and len(watched) == 4


def test_it_notices_a_real_overflow(watched: Tree, tmp_path: Path) -> None:
    for _ in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 2 + 10):
        with (tmp_path / "a.mkv").open("w"):
            pass
        (tmp_path / "a.mkv").rename(tmp_path / "Show/a.mkv")
    seen(watched)
    assert watched.overflowed


def test_it_stops_at_the_limit_keeps_what_it_has_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(10):
        (tmp_path / f"d{n}/x").mkdir(parents=True)
    limit = [5]
    monkeypatch.setattr(inotify.Inotify, "add", limited(limit))
    tree = Tree(os.fsencode(tmp_path), keep)
    assert tree.full and (len(tree), tree.unwatched) == (5, 16)
    limit[0] = 100
    tree.rebuild()
    assert not tree.full and len(tree) == 21
    tree.close()


def limited(limit: list[int]) -> Callable[[inotify.Inotify, bytes], int]:
    """Return an ``add`` that knows so many watches and no more."""
    add, made = inotify.Inotify.add, set[bytes]()

    def limited_add(self: inotify.Inotify, path: bytes) -> int:
        if path not in made and len(made) >= limit[0]:
            raise OSError(28, "No space left on device")
        made.add(path)
        return add(self, path)

    return limited_add


def test_it_counts_the_watches_of_other_processes() -> None:
    script = "import ctypes, sys; libc = ctypes.CDLL(None); libc.inotify_add_watch(libc.inotify_init1(0), b'/', 256)"
    script += "; print(flush=True); sys.stdin.read()"
    before = inotify.used_by_others()
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout and child.stdout.readline()
        assert inotify.used_by_others() >= 1 and before >= 0
    finally:
        child.communicate()


def test_it_knows_the_limits_and_what_sets_them() -> None:
    limit, setting = inotify.bound("watches")
    assert limit > 0 and setting in ("fs.inotify.max_user_watches", "user.max_inotify_watches")
    assert inotify.bound("unheard of") == (0, "fs.inotify.max_user_unheard of")
