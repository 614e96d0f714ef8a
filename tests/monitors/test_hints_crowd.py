"""Ten thousand at once, from several threads, while hints settle and jobs begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.benchmarks.burst_cost import burst

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.server() as url:
        yield {"DATABASE_URL": url}


def manage(folder: Path, more: dict[str, str], *arguments: str) -> str:
    plain = {
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "MEDIASYNC_DATA": str(folder),
        "MEDIASYNC_ENV_FILE": "none",
    }
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | plain | more
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_loses_nothing_of_a_burst(tmp_path: Path, database: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    manage(tmp_path / "data", database, "migrate", "-v0")
    script = f"from tests.monitors import hint_crowd; hint_crowd.burst({str(tmp_path)!r})"
    seen: dict[str, Any] = json.loads(manage(tmp_path / "data", database, "shell", "-v0", "-c", script))
    assert seen["problems"] == []
    assert seen["lost"] == 0
    assert seen["jobs"] < 300  # some a round, not one a hint


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_it_loses_nothing_of_a_burst_when_the_watcher_is_killed(tmp_path: Path, database: dict[str, str]) -> None:
    seen = burst(tmp_path, kills=2, **database)
    assert any(left["received"] or left["waiting"] for left in seen["killed_at"]), "it was killed too late"
    assert (seen["lost"], seen["received"], seen["untaken"], seen["failed"]) == (0, 0, 0, 0), seen
    assert seen["refused"] == 0 < seen["asked"]
    assert seen["jobs"] < 300
