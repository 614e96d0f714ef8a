"""Links cost little more than ``cp -rs`` costs, and are found right for much less; link_cost.py measures seconds.

Processor time is compared, of whole commands with their children: it hardly changes when the machine is busy with
something else. Half of that of the first run is the system's, as in ``cp``; the rest is Django's start and the rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_it_makes_and_checks_many_links_cheaply() -> None:
    """A small tree beside other tests: commands start and caches are shared, so the bounds are wide (make bench)."""
    command = [sys.executable, "tests/benchmarks/link_cost.py", "30000", "1"]
    found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=300, check=True)
    figures = json.loads(found.stdout)
    assert figures["made"] == 30_000
    assert figures["first_by_cp_cpu"] <= 6.0, figures
    assert figures["again_by_first_cpu"] <= 0.6, figures
    assert figures["memory"] <= 200, figures
