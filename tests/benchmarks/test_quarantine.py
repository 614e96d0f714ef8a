"""Putting files away stays cheap; quarantine_cost.py and ``make bench`` measure the real figures on a quiet machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_it_puts_many_files_away_and_back_for_little_more_than_renaming_them() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.quarantine_cost", "15000", "1"]
    found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=500, check=True)
    figures = json.loads(found.stdout)
    assert figures["moved"] == figures["back"] == figures["files"] > 9_000
    assert figures["memory"] <= 200, figures
    assert figures["apply_user"] <= 6.0, figures  # start of the command included; one query a file would cost as much
