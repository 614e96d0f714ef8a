"""Making links computes little more than finding them right; link_cost.py and ``make bench`` measure seconds.

What is compared is what the commands compute by themselves (user time, children included): the system's share of making
a link differs tenfold with the disk and with what else it does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_it_makes_many_links_for_little_more_than_it_takes_to_check_them() -> None:
    command = [sys.executable, "tests/benchmarks/link_cost.py", "30000", "1"]
    found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=300, check=True)
    figures = json.loads(found.stdout)
    assert figures["made"] == 30_000
    assert figures["first_by_again_user"] <= 5.0, figures
    assert figures["memory"] <= 200, figures
