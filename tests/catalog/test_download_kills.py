"""Downloads that are killed anywhere, and a disk that is full for ten workers at once, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from catalog.fetching import PARTS
from tests.catalog import audio

TOP = Path(__file__).resolve().parent.parent.parent


def play(folder: Path, scene: str) -> dict[str, Any]:
    arguments = [sys.executable, "-m", "tests.catalog.download_scenes", str(folder), scene]
    done = subprocess.run(arguments, cwd=TOP, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def songs(folder: Path, count: int) -> None:
    for number in range(count):
        title = f"Song {'abcdefghijklmnopqrstuvwxyz'[number] * 8}"
        audio.write(folder / "songs" / f"{title}.mp3", audio.mp3(title, "Artist", 1))


def kept(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_is_one_pause_for_ten_workers(tmp_path: Path) -> None:
    songs(tmp_path, 20)
    found = play(tmp_path, "full")
    assert found["paused"] == ["paused", "disk_full"]
    assert found["pauses"] == 1
    assert 5 <= found["first"] <= 15  # those that had begun came to their end
    assert set(found["states"]) <= {"succeeded", "pending"}
    assert (found["state"], found["items"], found["failures"]) == ("completed", ["succeeded"], 0)
    assert len(kept(tmp_path / "library")) == found["first"]
    assert len(kept(tmp_path / "other")) == 20 - found["first"] == found["locations"] - found["first"]


STEPS = 8


def test_a_kill_at_any_step_leaves_no_double_and_no_stray_file(tmp_path: Path) -> None:
    songs(tmp_path, STEPS + 1)
    found = play(tmp_path, "kills")
    assert found["died"] == [True] * STEPS + [False]
    assert found["items"] == ["skipped", "succeeded"] or found["items"] == ["succeeded"]
    names = kept(tmp_path / "library")
    assert names == found["locations"] and len(names) == found["primary"] == STEPS + 1
    assert not any(PARTS in name or "(" in name or "[" in name for name in names)
    for name in names:
        assert (tmp_path / "library" / name).read_bytes() == (tmp_path / "songs" / Path(name).name).read_bytes()
