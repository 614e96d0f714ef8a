"""Every act stays below the root: links in the way, races, names that climb, targets that exist."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanup.plexdata import safe
from cleanup.plexdata.safe import Root
from mediasync.core import paths

CLIMBING = [
    "..",
    "../outside/precious",
    "a/../../outside/precious",
    "/etc/passwd",
    "a//b",
    "a/./b",
    ".",
    "a\0b",
    "a/b/",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("not ours")
    (tmp_path / "root/a/b").mkdir(parents=True)
    (tmp_path / "root/a/b/file").write_text("x")
    (tmp_path / "root/a/b/link").symlink_to(tmp_path / "outside/precious")
    (tmp_path / "root/a/to outside").symlink_to(tmp_path / "outside")
    (tmp_path / "kept").mkdir()
    return tmp_path


def root(tree: Path, name: str = "root") -> Root:
    return Root(paths.to_text(os.fsencode(tree / name)))


def acts(at: Root, rel: str) -> list[object]:
    """Return every act on a path as something that can be called."""
    return [
        lambda: at.lstat(rel),
        lambda: at.names(rel),
        lambda: at.open_file(rel),
        lambda: at.unlink(rel),
        lambda: at.rmdir(rel),
        lambda: at.makedirs(rel),
        lambda: at.create(rel),
        lambda: at.symlink("x", rel),
        lambda: at.rename(rel, at, "new"),
        lambda: at.rename("a/b/file", at, rel),
    ]


@pytest.mark.parametrize(
    "rel",
    ["..", "../outside/precious", "a/../../outside/precious", "/etc/passwd", "a//b", "a/./b", ".", "a\0b", "a/b/"],
)
def test_no_name_climbs(rel: str, tree: Path) -> None:
    with root(tree) as at:
        for act in acts(at, rel):
            with pytest.raises(ValueError, match="not a relative path"):
                act()  # type: ignore[operator]
    assert (tree / "outside/precious").read_text() == "not ours"


def test_no_link_in_the_way_is_followed(tree: Path) -> None:
    with root(tree) as at:
        for act in acts(at, "a/to outside/precious"):
            with pytest.raises(OSError, match=r".") as caught:
                act()  # type: ignore[operator]
            assert caught.value.errno in (errno.ELOOP, errno.ENOTDIR)
    assert (tree / "outside/precious").read_text() == "not ours"
    assert sorted(os.listdir(tree / "outside")) == ["precious"]


def test_a_link_is_moved_and_removed_itself(tree: Path) -> None:
    with root(tree) as at, root(tree, "kept") as kept:
        entry = at.lstat("a/b/link")
        assert entry and (entry.kind, entry.target) == ("link", str(tree / "outside/precious"))
        with pytest.raises(OSError, match=r"."):
            at.open_file("a/b/link")
        at.rename("a/b/link", kept, "link")
        assert os.readlink(tree / "kept/link") == str(tree / "outside/precious")
        kept.unlink("link")
    assert (tree / "outside/precious").read_text() == "not ours"


def test_a_folder_that_was_swapped_for_a_link_is_noticed(tree: Path) -> None:
    with root(tree) as at:
        os.rename(tree / "root/a/b", tree / "root/a/old")
        os.symlink(tree / "outside", tree / "root/a/b")
        with pytest.raises(OSError, match=r"."):
            at.unlink("a/b/precious")
    with root(tree) as at:
        assert at.lstat("a/old/file")
        os.rename(tree / "root/a/old", tree / "moved")  # while it is open: we stay in the folder that we opened
        os.symlink(tree / "outside", tree / "root/a/old")
        assert at.lstat("a/old/precious") is None
        with pytest.raises(FileNotFoundError):
            at.unlink("a/old/precious")
    assert (tree / "outside/precious").exists()


@pytest.mark.parametrize("modern", [True, False])
def test_nothing_is_replaced(modern: bool, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not modern:
        monkeypatch.setattr(safe, "_renameat2", None)
    (tree / "kept/file").write_text("earlier")
    os.symlink("nowhere", tree / "kept/dangling")
    with root(tree) as at, root(tree, "kept") as kept:
        for name in ("file", "dangling"):
            with pytest.raises(FileExistsError):
                at.rename("a/b/file", kept, name)
        with pytest.raises(FileExistsError):
            kept.create("file")
        with pytest.raises(FileNotFoundError):
            at.rename("a/b/gone", kept, "new")
        at.rename("a/b/file", kept, "other")
    assert (tree / "kept/file").read_text() == "earlier"
    assert (tree / "kept/other").read_text() == "x"


def test_a_file_system_without_the_flag_is_served(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        safe.ctypes.set_errno(errno.EINVAL)
        return -1

    monkeypatch.setattr(safe, "_renameat2", refuse)
    with root(tree) as at, root(tree, "kept") as kept:
        at.rename("a/b/file", kept, "file")
        with pytest.raises(FileExistsError):
            at.rename("a/b/link", kept, "file")


def test_it_moves_within_itself(tree: Path) -> None:
    with root(tree) as at:
        at.makedirs("c/d")
        at.rename("a/b/file", at, "c/d/file")
        assert at.names("c/d") == ["file"] and at.names("a/b") == ["link"]
        at.rename("c", at, "e")
        assert at.lstat("c/d/file") is None and at.lstat("e/d/file")


def test_a_whole_folder_moves_with_what_was_open_in_it(tree: Path) -> None:
    with root(tree) as at, root(tree, "kept") as kept:
        assert at.lstat("a/b/file")
        at.rename("a", kept, "a")
        assert at.lstat("a/b/file") is None
        assert kept.lstat("a/b/file")


def test_the_way_to_what_was_not_found_is_not_remembered_beyond_a_move(tree: Path) -> None:
    with root(tree) as at, root(tree, "kept") as kept:
        assert at.lstat("a/x/y") is None  # "a" was opened on the way
        at.rename("a", kept, "a")
        assert at.lstat("a/b/file") is None, "that is the folder that was moved away"
        at.makedirs("a/b")
        os.close(at.create("a/b/file"))
        at.unlink("a/b/file")
        assert kept.lstat("a/b/file")


def test_only_empty_folders_are_removed(tree: Path) -> None:
    with root(tree) as at:
        with pytest.raises(OSError, match=r".") as caught:
            at.rmdir("a/b")
        assert caught.value.errno == errno.ENOTEMPTY
        at.unlink("a/b/file")
        at.unlink("a/b/link")
        at.rmdir("a/b")
        at.unlink("a/to outside")
        at.rmdir("a")
        with pytest.raises(OSError, match=r"."):
            at.unlink("a")
    assert (tree / "root").is_dir()


def test_another_file_system_is_told(tree: Path) -> None:
    shm = Path("/dev/shm")
    if not shm.is_dir() or os.stat(shm).st_dev == os.stat(tree).st_dev:
        pytest.skip("there is only one file system here")
    place = shm / f"safe-{os.getpid()}"
    place.mkdir()
    try:
        with root(tree) as at, Root(str(place)) as kept, pytest.raises(OSError, match=r".") as caught:
            at.rename("a/b/file", kept, "file")
        assert caught.value.errno == errno.EXDEV
        assert (tree / "root/a/b/file").exists()
    finally:
        place.rmdir()


def test_it_makes_folders_and_files_for_us_alone(tree: Path) -> None:
    with root(tree, "kept") as kept:
        kept.makedirs("a/b/c")
        kept.makedirs("a/b/c")
        os.close(kept.create("a/b/c/file"))
        kept.sync("a/b/c")
        kept.sync()
    assert (tree / "kept/a").stat().st_mode & 0o777 == 0o700
    assert (tree / "kept/a/b/c/file").stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "root/pipe")
    with root(tree) as at, pytest.raises(OSError, match=r"."):
        at.open_file("pipe")


def test_it_leaves_no_folder_open(tree: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with root(tree) as at, root(tree, "kept") as kept:
            at.lstat("a/b/file")
            at.names("a")
            at.lstat("a/x/y")
            kept.makedirs("q/r")
            at.rename("a/b/file", kept, "q/r/file")
            kept.rename("q/r/file", at, "a/b/file")
    assert len(os.listdir("/proc/self/fd")) == before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from(["a", "b", "to outside", "..", ".", "", "file", "link", "precious"]), max_size=6)
)
def test_no_path_at_all_reaches_outside(pieces: list[str], tree: Path) -> None:
    before = os.lstat(tree / "outside/precious")
    with root(tree) as at:
        for look in (at.lstat, at.open_folder, at.open_file):
            try:
                found = look("/".join(pieces))
            except (OSError, ValueError):
                continue
            if isinstance(found, int):
                inside = os.readlink(f"/proc/self/fd/{found}")
                os.close(found)
                assert inside.startswith(os.path.realpath(tree / "root"))
            elif found:
                assert found.ino != before.st_ino
