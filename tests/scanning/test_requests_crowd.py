"""Many processes at once, and one that is killed (trap 8)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def scene(name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.scanning.real", name, str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_it_keeps_one_waiting_row_a_path_and_loses_no_change(tmp_path: Path) -> None:
    seen = scene("crowd", tmp_path)
    assert seen["codes"] == [0] * 8
    assert seen["hits"] == 1600
    assert seen["most_waiting"] <= 1
    assert seen["sent"] > 0


def test_what_a_killed_delivery_was_sending_is_sent_once_more(tmp_path: Path) -> None:
    asked = [str(tmp_path / "A")] * 2
    assert scene("crash", tmp_path) == {"between": "sending", "job": "completed", "row": "sent", "asked": asked}
