"""Kills, races, locks and pauses with real processes and threads (the scenes are in real.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).resolve().parent.parent.parent


def play(scene: str, folder: Path, **environment: str) -> dict[str, Any]:
    found = subprocess.run(
        [sys.executable, "-m", "tests.jobs.real", scene, str(folder)],
        cwd=TOP,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    figures: dict[str, Any] = json.loads(found.stdout)
    return figures


@pytest.mark.slow
def test_forty_random_kills_leave_every_item_done_exactly_once(tmp_path: Path) -> None:
    figures = play("kills", tmp_path)
    assert figures == {
        "state": "completed",
        "done": 2_000,
        "failed": 0,
        "equal": True,
        "kills": 40,
        "lines": 2_000,
        "distinct": 2_000,
    }


def test_a_poison_item_fails_alone(tmp_path: Path) -> None:
    figures = play("poison", tmp_path)
    assert figures == {"state": "completed_with_errors", "done": 299, "failed": 1, "equal": True, "deaths": 3}


def test_of_five_equal_messages_one_works(tmp_path: Path) -> None:
    figures = play("race", tmp_path)
    assert figures["outcomes"] == ["done", "stale", "stale", "stale", "stale"]
    assert (figures["lines"], figures["distinct"], figures["equal"]) == (400, 400, True)


def test_a_locked_database_costs_time_and_nothing_else(tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path}/real.sqlite3"  # PostgreSQL does not lock a whole database
    figures = play("locked", tmp_path, LEASE_SECONDS="2", HEARTBEAT_SECONDS="0.3", DATABASE_URL=file)
    assert (figures["short"], figures["long"]) == ("done", "database")
    for each in (figures["first"], figures["second"]):
        assert each == {"state": "completed", "done": 400, "failed": 0, "equal": True}


def test_a_pause_takes_effect_soon(tmp_path: Path) -> None:
    figures = play("pause", tmp_path)
    assert figures["between"] <= 1.0
    assert figures["inside"] <= 3.0
    assert figures["equal"] is True


def test_a_waiting_job_that_stands_for_a_request_starts_after_its_transaction(tmp_path: Path) -> None:
    assert play("twin", tmp_path) == {"deduplicated": True, "early": False, "state": "running"}
