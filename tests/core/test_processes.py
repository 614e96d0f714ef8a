"""Sessions of real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from mediasync.core import processes

SLEEPS = "import time; time.sleep(60)"
FAMILY = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); {SLEEPS}"


def _start(code: str, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **options)  # type: ignore[call-overload,no-any-return]


def _wait_for(session: int, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(processes.members(session)) != count:
        assert time.monotonic() < deadline, processes.members(session)
        time.sleep(0.02)


def test_it_lists_and_kills_a_whole_session() -> None:
    leader = _start(FAMILY)
    _wait_for(leader.pid, 2)
    assert any(each.parent == leader.pid for each in processes.members(leader.pid))
    assert processes.command_line(leader.pid)[1] == "-c"
    assert processes.kill_session(leader.pid) == 2
    assert leader.wait(60) == -signal.SIGKILL
    _wait_for(leader.pid, 0)
    assert processes.command_line(leader.pid) == []


def test_it_does_not_list_the_dead() -> None:
    leader = _start("pass")
    deadline = time.monotonic() + 60
    while processes.members(leader.pid):  # not collected yet: a zombie
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert leader.wait(60) == 0


def test_it_lets_a_child_die_with_its_parent() -> None:
    code = (
        "import subprocess, sys, time; from mediasync.core import processes as p;"
        f"c = subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], preexec_fn=p.die_with_parent);"
        "print(c.pid, flush=True); time.sleep(60)"
    )
    parent = _start(code, stdout=subprocess.PIPE)
    assert parent.stdout
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    _wait_for(parent.pid, 0)
    assert processes.command_line(child) == []


def test_it_adopts_and_collects_orphans() -> None:
    code = (
        "import os, subprocess, sys, time; from mediasync.core import processes as p; p.adopt_orphans();"
        "c = subprocess.Popen([sys.executable, '-c', 'import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, chr(45) + chr(99), chr(49)]).pid)'], stdout=subprocess.PIPE);"
        "orphan = int(c.communicate()[0]); time.sleep(0.5); p.collect();"
        "print(os.path.exists(f'/proc/{orphan}'))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
    assert out.strip() == "False"
