"""Many processes that ask for the same at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .engine import REPOSITORY, Engine

SCRIPT = "from tests.jobs import crowd; crowd.submit_many(200, 5)"


@pytest.mark.slow
def test_it_keeps_one_waiting_job_a_scope_among_many_processes(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", SCRIPT]
    crowd = [
        subprocess.Popen(command, cwd=REPOSITORY, env=engine.environment, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    outputs = [each.communicate(timeout=120)[0] for each in crowd]
    assert [each.returncode for each in crowd] == [0] * 8
    assert sum(json.loads(output)["new"] for output in outputs) == 5
    assert len(engine.manage("jobs", "list", "--json", "--limit", "99").splitlines()) == 5
