"""Keep a few processes running, and leave none behind.

Each child leads a session of its own, so that Ctrl-C reaches only us and we decide the order. A child that dies is
started again, later each time it dies early. Should we be killed, the kernel ends the children (PR_SET_PDEATHSIG), and
what they leave behind comes to us while we live (PR_SET_CHILD_SUBREAPER), so that nothing is orphaned.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mediasync.core import processes

FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_AFTER = 1.0, 60.0, 60.0  # seconds
GRACE = 8.0  # seconds between SIGTERM and SIGKILL; the worker needs up to 6

Say = Callable[[str], None]


@dataclass
class Child:
    """A command that should always be running."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    start_at: float = 0.0

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it in a session of its own."""
        self.process = subprocess.Popen(
            list(self.command), env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=processes.die_with_parent,
        )  # fmt: skip
        self.started = time.monotonic()


@dataclass
class Supervisor:
    """Run ``children`` until a SIGTERM, a SIGINT or ``stop()``."""

    children: list[Child]
    say: Say
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stopping: bool = False

    def run(self) -> None:
        """Start everything, restart what dies, and end everything when asked to."""
        processes.adopt_orphans()
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self.stopping:
                for child in self.children:
                    self._look_after(child)
                processes.collect(besides=[child.process.pid for child in self.children if child.process])
                time.sleep(0.2)
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self.stopping = True  # only a flag: see docs/engine.md

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                child.start(self.environment)
            return
        code = child.process.poll()
        if code is None:
            return
        processes.kill_session(child.process.pid)  # what it left running
        if now - child.started > HEALTHY_AFTER:
            child.pause = FIRST_PAUSE
        child.process, child.start_at = None, now + child.pause
        self.say(f"{child.name} ended ({_told(code)}); it starts again in {child.pause:g} s.")
        child.pause = min(LONGEST_PAUSE, child.pause * 2)

    def _end(self) -> None:
        """SIGTERM to each child alone (the worker ends its own), then SIGKILL to whatever is left."""
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and any(process.poll() is None for process in running):
            time.sleep(0.05)
        for child in self.children:
            if child.process:
                processes.kill_session(child.process.pid)
        for _ in range(50):  # orphans of orphans arrive one generation at a time
            left = processes.children()
            if not left:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)


def _told(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
