"""Bad input: the crawl completes, the row says what happened, and nothing else is lost."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.paths import to_text
from monitors import walk
from monitors.models import Directory, File
from monitors.walk import Folder

from .crawling import OLD, World, agrees, snapshot

pytestmark = pytest.mark.django_db

NASTY = [
    b"not utf-8 \xff\xfe.mkv",
    b"new\nline.mkv",
    b"tab\tand \\backslash\\N.mkv",
    b"carriage\rreturn.mkv",
    b"q'u\"o%te%s.mkv",
    "private \U0010dc85 use.mkv".encode(),
    "流浪地球.mkv".encode(),
    "e\u0301.mkv".encode(),
    "\u00e9.mkv".encode(),
    b"a" * 251 + b".mkv",
    b" leading and trailing ",
    b"-rf *",
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.write("good/film.mkv", 5)
    return world


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_it_stores_any_name(world: World, name: bytes) -> None:
    world.write(b"d/" + name, 5)
    world.write(name + b"/inside.mkv", 6)
    world.crawl()
    assert agrees(world)
    assert world.crawl(full=True).modified == 0
    os.unlink(world.full(b"d/" + name))
    world.age()
    world.crawl()
    assert world.changes() == [("removed", "d/" + to_text(name))]
    assert agrees(world)


def test_it_tells_a_path_that_is_too_long(world: World) -> None:
    here = os.open(world.top, os.O_RDONLY)
    for _ in range(20):
        os.mkdir(b"n" * 250, dir_fd=here)
        below = os.open(b"n" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    summary = world.crawl()
    assert summary.errors == 1
    failed = Directory.objects.exclude(error="").get()
    assert failed.error == "name_too_long"
    assert failed.dirty
    assert "good/film.mkv" in snapshot(world.root)
    assert world.crawl(full=True).removed == 0


def test_it_tells_a_file_whose_path_is_too_long(world: World) -> None:
    here = os.open(world.top, os.O_RDONLY)
    length = len(os.fsencode(world.top))
    while length < 3800:
        os.mkdir(b"n" * 200, dir_fd=here)
        below = os.open(b"n" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, length = below, length + 201
    for name in (b"short.mkv", b"l" * 255, b"m" * 255):
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=here))
    if length < 3840:  # make sure that the long ones do not fit
        os.mkdir(b"x" * 250, dir_fd=here)
        below = os.open(b"x" * 250, os.O_RDONLY, dir_fd=here)
        os.close(os.open(b"l" * 255, os.O_CREAT | os.O_WRONLY, dir_fd=below))
        os.close(below)
    os.close(here)
    assert world.crawl().errors == 1
    assert Directory.objects.exclude(error="").get().error == "name_too_long"
    assert File.objects.filter(name__in=["film.mkv", "short.mkv"]).count() == 2


class Vanishing:
    """Entries of which one is gone (or cannot be read) when it is asked for its size."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        self.real = os.scandir

    def __call__(self, path: bytes) -> Any:
        self.entries = self.real(path)
        return self

    def __enter__(self) -> Any:
        return map(self._wrap, self.entries)

    def __exit__(self, *_: object) -> None:
        self.entries.close()

    def _wrap(self, entry: os.DirEntry[bytes]) -> Any:
        return Ghost(entry, self.error) if entry.name == b"ghost.mkv" else entry


class Ghost:
    def __init__(self, entry: os.DirEntry[bytes], error: OSError) -> None:
        self.name, self.entry, self.error = entry.name, entry, error

    def is_file(self, follow_symlinks: bool = True) -> bool:
        return True

    def stat(self, follow_symlinks: bool = True) -> os.stat_result:
        raise self.error


def test_a_file_that_vanishes_while_it_is_listed_is_not_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("good/ghost.mkv")
    monkeypatch.setattr(walk.os, "scandir", Vanishing(FileNotFoundError(2, "gone")))
    assert world.crawl().errors == 0
    assert File.objects.values_list("name", flat=True).get() == "film.mkv"


def test_a_file_that_cannot_be_read_makes_its_folder_doubtful(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("good/ghost.mkv")
    world.crawl()
    monkeypatch.setattr(walk.os, "scandir", Vanishing(OSError(5, "I/O error")))
    os.unlink(world.full("good/film.mkv"))
    summary = world.crawl(full=True)
    assert (summary.errors, summary.removed) == (1, 0)
    assert Directory.objects.get(path="good").error == "io_error"
    assert File.objects.count() == 2
    monkeypatch.undo()
    assert world.crawl().removed == 1


def test_links_lead_to_files_inside_and_nowhere_else(world: World, tmp_path: Path) -> None:
    (tmp_path / "outside.mkv").write_bytes(b"x" * 9)
    links = world.top / "links"
    links.mkdir()
    (links / "inside.mkv").symlink_to(world.top / "good" / "film.mkv")
    (links / "relative.mkv").symlink_to("../good/film.mkv")
    (links / "outside.mkv").symlink_to(tmp_path / "outside.mkv")
    (links / "broken.mkv").symlink_to("nothing")
    (links / "self.mkv").symlink_to("self.mkv")
    (links / "folder").symlink_to("../good")
    (links / "loop").symlink_to("..")
    world.age()
    summary = world.crawl()
    assert summary.skipped == 5
    assert {path for path, facts in snapshot(world.root).items() if facts} == {
        "good/film.mkv",
        "links/inside.mkv",
        "links/relative.mkv",
    }
    assert snapshot(world.root)["links/inside.mkv"][0] == 5


def test_what_is_no_file_is_skipped_and_counted(world: World) -> None:
    os.mkfifo(world.full("good/fifo.mkv"))
    here = os.getcwd()
    os.chdir(world.top)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("good/socket.mkv")
    finally:
        os.chdir(here)
    world.age()
    summary = world.crawl()
    assert (summary.skipped, summary.files, summary.errors) == (2, 1, 0)


@pytest.mark.parametrize("seconds", [4_102_444_800, 13_000_000_000, -3_000_000_000])
def test_a_clock_in_the_future_or_long_ago_does_no_harm(world: World, seconds: int) -> None:
    path = world.full("good/film.mkv")
    os.utime(path, (OLD // 10**9, seconds))
    os.utime(world.full("good"), (seconds, seconds))
    world.crawl()
    stored = File.objects.get()
    assert stored.mtime_ns in (os.stat(path).st_mtime_ns, walk.MAX)
    assert world.crawl(full=True).modified == 0
    world.write("good/later.mkv")
    os.utime(world.full("good"), (OLD // 10**9, seconds + 1))
    world.crawl(full=True)
    assert world.changes() == [("added", "good/later.mkv")]


def test_a_folder_replaced_by_a_link_out_of_the_root_is_not_followed(world: World, tmp_path: Path) -> None:
    world.crawl()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.mkv").touch()
    os.rename(world.full("good"), tmp_path / "good")
    os.symlink(tmp_path / "elsewhere", world.full("good"))
    world.age()
    world.crawl(full=True)
    assert world.changes() == [("removed", "good")]
    assert [path for path, facts in snapshot(world.root).items() if facts] == []


def test_a_folder_without_rights_is_told_by_a_real_process() -> None:
    if os.getuid():
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory(prefix="mediasync-hostile-") as top:
        os.chmod(top, 0o755)
        os.mkdir(os.path.join(top, "locked"), 0)
        os.mkdir(os.path.join(top, "open"))
        pid = os.fork()
        if not pid:  # pragma: no cover
            os.setuid(65534)
            block = walk.walk(Folder(os.fsencode(top)), 1, [(None, b"")], 10, 10)
            os._exit(0 if [row[5] for row in block[0]] == ["", "permission_denied", ""] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
