"""The engine's cost per item stays within its bound (see engine_cost.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
RATIO = 6.0
MEGABYTES = 250


@pytest.mark.slow
def test_trivial_items_cost_little_more_than_their_bare_statements() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.engine_cost", "100000"]
    found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=300, check=True)
    figures = json.loads(found.stdout)
    assert figures["ratio"] <= RATIO, figures
    assert figures["peak_mb"] <= MEGABYTES, figures
