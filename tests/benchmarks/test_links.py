"""Links are made as fast as ``cp -rs`` makes them, and found right much faster (see link_cost.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_it_makes_and_checks_many_links_cheaply() -> None:
    """A small tree, where the start of the commands weighs more: looser bounds than ``make bench``."""
    command = [sys.executable, "tests/benchmarks/link_cost.py", "20000", "1"]
    found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=300, check=True)
    figures = json.loads(found.stdout)
    assert figures["made"] == 20_000
    assert figures["first_by_cp"] <= 3.0, figures
    assert figures["again_by_first"] <= 0.7, figures
    assert figures["memory"] <= 200, figures
