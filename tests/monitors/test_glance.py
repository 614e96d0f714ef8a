"""Looks at single paths that never hang."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mediasync.core.paths import to_text
from monitors import glance as looking
from monitors import guards
from monitors.filesystems import Place
from monitors.glance import Glance, Sighting
from monitors.models import Directory, File, Root

pytestmark = pytest.mark.django_db
HANGS = "import sys, time\nsys.stdin.readline()\ntime.sleep(600)\n"
ODD = [b"plain", b"two\nlines", b"\xff\xfe", b"x" * 255, "영화".encode()]


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a folder that passes for a mount that others serve."""
    monkeypatch.setattr(looking, "place_of", lambda _path: Place(bytes(tmp_path), "fuse.rclone"))
    return tmp_path


@pytest.fixture
def hung(mount: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the child never answer, as in a mount that hangs."""
    child = mount / "hangs.py"
    child.write_text(HANGS)
    monkeypatch.setattr(looking, "stat_child", SimpleNamespace(__file__=str(child), look=lambda _: pytest.fail("hung")))
    yield mount
    for each in guards._stuck:
        each.wait(60)
    guards._reap()


@pytest.mark.parametrize("name", ODD)
def test_a_child_sees_the_same(tmp_path: Path, mount: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    Path(os.fsdecode(path)).write_bytes(b"12345")
    with Glance(60) as glance:
        seen = glance.stat(to_text(path))
        assert (seen.there, seen.is_dir, seen.size) == (True, False, 5)
        assert seen.mtime == os.stat(path).st_mtime
        assert glance.stat(str(tmp_path)).is_dir
        assert glance.stat(str(tmp_path / "nothing")) == Sighting(False)
        assert glance.is_folder(str(tmp_path / "nothing")) is None
    with Glance(60) as glance:  # and again, after it was closed
        assert glance.exists(to_text(path))


@pytest.mark.parametrize("far", [False, True])
def test_it_tells_what_cannot_be_there_from_what_cannot_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, far: bool
) -> None:
    if far:
        monkeypatch.setattr(looking, "place_of", lambda _path: Place(b"/far", "nfs"))
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    with Glance(60) as glance:
        assert glance.stat(str(tmp_path / "file/below")) == Sighting(False)
        assert glance.stat(str(tmp_path / ("x" * 300))) == Sighting(False)
        assert glance.stat(str(tmp_path / "link")).dangling
        with pytest.raises(OSError, match="symbolic links"):
            glance.stat(str(tmp_path / "loop"))
        assert not glance.exists(str(tmp_path / "loop"))


def test_a_mount_that_hangs_is_asked_once(hung: Path) -> None:
    with Glance(0.2) as glance:
        with pytest.raises(TimeoutError):
            glance.stat(str(hung))
        left = len(guards._stuck)
        for _ in range(1000):
            assert not glance.exists(str(hung / "x"))
        assert len(guards._stuck) == left


def test_a_child_that_dies_is_no_answer(mount: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = mount / "dies.py"
    child.write_text("raise SystemExit(1)")
    monkeypatch.setattr(looking, "stat_child", SimpleNamespace(__file__=str(child)))
    with Glance(60) as glance, pytest.raises(TimeoutError):
        glance.stat(str(mount))
    for each in guards._stuck:
        each.wait(60)
    guards._reap()


def test_a_root_that_is_elsewhere_is_told_from_its_snapshot(tmp_path: Path) -> None:
    root = Root.objects.create(name="far", path="/far", mounted=False)
    top = Directory.objects.create(root=root, path="")
    File.objects.bulk_create([File(directory_id=top.pk, name="a.mkv", size=1, mtime_ns=0)])
    with Glance() as glance:
        assert [glance.is_folder(path) for path in ("/far", "/far/a.mkv", "/far/b.mkv")] == [True, False, None]


def test_a_root_that_is_down_is_not_looked_at(hung: Path) -> None:
    Root.objects.create(name="down", path=str(hung), guard="down")
    with Glance(60) as glance, pytest.raises(OSError, match="down"):
        glance.is_folder(str(hung / "x"))
