"""The supervisor restarts what dies and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import sys
from mediasync.ui.up.supervisor import Child, Supervisor
Supervisor([Child("child", [sys.executable, "-c", sys.argv[1]])], lambda text: print(text, flush=True)).run()
"""
MARK = "supervisor-test-mark"


def until(condition: Callable[[], bool], seconds: float = 8.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(mark: str) -> list[int]:
    """Return the pids whose command line holds ``mark`` and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture
def mark(request: pytest.FixtureRequest) -> str:
    return f"{MARK}-{os.getpid()}-{abs(hash(request.node.name))}"


def start(code: str, mark: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, f"{code}\n# {mark}"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    process.send_signal(number)
    output, _ = process.communicate(timeout=15)
    return output


def test_it_restarts_a_child_that_dies_and_says_so(tmp_path: Path, mark: str) -> None:
    count = tmp_path / "count"
    process = start(f"open({str(count)!r}, 'a').write('x'); raise SystemExit(3)", mark)
    assert until(lambda: count.exists() and len(count.read_text()) >= 2)
    output = finish(process)
    assert "child ended (exit code 3); it starts again in 1 s." in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_everything_on_a_signal(mark: str, tmp_path: Path, number: int) -> None:
    ready = tmp_path / "ready"
    process = start(f"import time; open({str(ready)!r}, 'w'); time.sleep(100)", mark)
    assert until(ready.exists)
    finish(process, number)
    assert process.returncode == 0
    assert until(lambda: not alive(mark))


def test_it_kills_children_that_ignore_the_signal_and_their_orphans(mark: str, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    os.setsid()\n    os.fork()\n"
        f"open({str(ready)!r}, 'w'); time.sleep(100)"
    )
    process = start(code, mark)
    assert until(ready.exists)
    begun = time.monotonic()
    finish(process)
    assert time.monotonic() - begun < 10
    assert until(lambda: not alive(mark))


def test_its_children_end_when_it_is_killed(mark: str, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    process = start(f"import time; open({str(ready)!r}, 'w'); time.sleep(100)", mark)
    assert until(ready.exists)
    finish(process, signal.SIGKILL)
    assert until(lambda: not alive(mark))
