"""Synchronising costs at most three times what inserting the same rows does; sync_cost.py measures the seconds too.

What is compared is what the process computes: the rest differs with the disk and with what else the machine does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_it_syncs_for_little_more_than_it_takes_to_insert_the_rows() -> None:
    command = [sys.executable, "tests/benchmarks/sync_cost.py", "20000", "200"]
    ratios: list[float] = []
    while not ratios or (min(ratios) > 3.0 and len(ratios) < 3):  # what others do meanwhile may fall on one half only
        found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=600, check=True)
        figures = json.loads(found.stdout)
        assert figures["rows"]["Song"] == figures["rows"]["PlaylistSong"] == 20_000
        ratios.append(figures["computed_by_insert"])
    assert min(ratios) <= 3.0, ratios
