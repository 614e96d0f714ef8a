"""Why a server did not take a file: what can be seen on the disk, and nothing where looking would hang."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitors import glance as looking
from monitors import guards
from monitors.filesystems import Place
from monitors.glance import Glance
from monitors.models import Root
from scanning import taken

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["local", "remote"])
def folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    if request.param == "remote":
        monkeypatch.setattr(looking, "place_of", lambda _path: Place(bytes(tmp_path), "fuse.rclone"))
    return tmp_path


def why(path: Path, *, is_dir: bool) -> str:
    with Glance(60) as glance:
        return taken.refusal("plex", "movie", str(path), is_dir=is_dir, here=(glance, str(path)))


def test_it_sees_what_lies_in_a_folder_and_who_may_enter(folder: Path) -> None:
    (folder / "Extras").mkdir()
    (folder / "Extras/two\nlines.iso").touch()
    assert why(folder, is_dir=True) == "extension"
    (folder / "Extras/영화.mkv").touch()
    folder.chmod(0o755)
    assert why(folder, is_dir=True) == ""
    folder.chmod(0o700)
    assert why(folder, is_dir=True) == "permission"


def test_it_sees_who_may_read_a_file(folder: Path) -> None:
    film = folder / "film.mkv"
    film.touch(0o644)
    assert why(film, is_dir=False) == ""
    film.chmod(0o600)
    assert why(film, is_dir=False) == "permission"
    assert why(folder / "gone.mkv", is_dir=False) == ""
    Root.objects.create(name="down", path=str(folder), guard="down")
    assert why(film, is_dir=False) == ""


@pytest.fixture
def hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a mount that answers one look and then hangs."""
    child = tmp_path / "hangs.py"
    child.write_text(
        "import sys, time\nfor turn in 1, 2:\n sys.stdin.readline()\n print([0, 0o40755, 0, 0, 0], flush=True)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(looking, "place_of", lambda _path: Place(bytes(tmp_path), "fuse.rclone"))
    monkeypatch.setattr(looking, "stat_child", SimpleNamespace(__file__=str(child)))
    yield tmp_path
    for each in guards._stuck:
        each.wait(60)
    guards._reap()


def test_a_mount_that_hangs_shows_nothing_and_holds_nobody(hung: Path) -> None:
    with Glance(0.5) as glance:
        assert taken.refusal("plex", "movie", str(hung), is_dir=True, here=(glance, str(hung))) == ""
        with pytest.raises(TimeoutError):
            glance.stat(str(hung / "x"))
