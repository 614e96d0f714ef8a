"""Many new folders are made by a child process, few by our own; both alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mediasync.core.errors import Transient
from mediasync.core.paths import to_text
from scanning.links import build, builder
from scanning.links.builder import MANY, Builder

FOLDERS = 100_000  # seconds of work even on the fastest disk


def test_it_starts_no_process_for_a_few(tmp_path: Path) -> None:
    with Builder(os.fsencode(tmp_path)) as made:
        assert made.make([("a", ["x.mkv", "/s/x.mkv"])]) == ({}, {})
        assert made.child is None
    assert os.readlink(tmp_path / "a/x.mkv") == "/s/x.mkv"


@pytest.mark.parametrize("many", [1, 10**9])
def test_it_says_what_was_not_made(tmp_path: Path, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer from the child as from here; bytes that are not UTF-8 go through."""
    monkeypatch.setattr(builder, "MANY", many)
    (tmp_path / "there").mkdir()
    odd, long = to_text(b"\xff\n.mkv"), "x" * 256
    folders = [
        ("there", ["x.mkv", "/s"]),
        (long, ["x.mkv", "/s"]),
        ("new", [odd, "/s/" + odd, long, "/s", "same", "/1", "same", "/2"]),
    ]
    with Builder(os.fsencode(tmp_path)) as made:
        assert made.make(folders) == ({0: "there", 1: "too_long"}, {2: [long, "same"]})
        with pytest.raises(FileNotFoundError):
            made.make([("no/parent", [])])
        assert made.make([("after", ["a", "/a"])]) == ({}, {})
        assert (made.child is not None) == (many == 1)
    assert os.readlink(os.fsencode(tmp_path) + b"/new/\xff\n.mkv") == b"/s/\xff\n.mkv"
    assert os.listdir(tmp_path / "there") == []


def test_a_child_that_dies_is_no_end(tmp_path: Path) -> None:
    with Builder(os.fsencode(tmp_path)) as made:
        made.make([(str(number), []) for number in range(MANY)])
        assert made.child is not None
        made.child.kill()
        made.child.wait()
        with pytest.raises(Transient) as caught:
            made.make([("a", [])])
    assert caught.value.code == "link_builder_died"


def test_a_child_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    """It ends between two folders, not at the end of its task."""
    script = f"""
from scanning.links.builder import Builder
with Builder({os.fsencode(tmp_path)!r}) as made:
    made.make([(str(n), ["a", "/a"] * 20) for n in range({FOLDERS})])
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=Path(build.__file__).parents[2])
    _wait(lambda: (tmp_path / "5").exists())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _wait(lambda: _rests(tmp_path))
    assert 5 < len(os.listdir(tmp_path)) < FOLDERS


def _rests(folder: Path) -> bool:
    """Whether nothing was made in it for half a second."""
    count = len(os.listdir(folder))
    time.sleep(0.5)
    return len(os.listdir(folder)) == count


def _wait(done: Callable[[], bool]) -> None:
    """Until it is done; the bound is only there for a child that never comes, so a slow machine may take its time."""
    deadline = time.monotonic() + 240
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
