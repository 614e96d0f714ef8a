"""A process dies while it proves; another one goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        ("known", ["known", "known", "look_again"]),
        ("look_again", ["known", "look_again", "known", "look_again"]),
    ],
)
def test_a_proof_that_was_killed_is_done_again(where: str, asked: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.scanning.real_proof", where, str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    expected = {"between": "sent", "job": "completed", "row": "verified", "checks": 1, "asked": asked}
    assert json.loads(done.stdout) == expected
