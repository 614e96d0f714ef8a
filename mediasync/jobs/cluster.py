"""django-q2's cluster as a child process that is watched, restarted, and never left behind.

What has to be watched for (the last table of docs/engine.md): a killed idle worker silences the
whole cluster, a killed sentinel or master leaves orphans, a SIGTERM to the whole group hangs it. So the cluster runs
in a session of its own, only its master is ever asked to stop, and whatever is left of the session is killed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mediasync.core import processes
from mediasync.core.clock import Clock
from mediasync.core.errors import Conflict

logger = logging.getLogger(__name__)
HEALTHY_AFTER = 60.0  # seconds of life that make an early death forgotten
LONGEST_PAUSE = 60.0
HEADLESS_AFTER = 5.0  # seconds that a master may be without its sentinel
LOOK_EVERY = 2.0


class Cluster:
    """``start``, ``look_after`` about five times a second, ``stop``."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], note: Path, clock: Clock) -> None:
        self.command, self.environment, self.note, self.clock = list(command), dict(environment), note, clock
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self._pause = 1.0
        self._start_at = 0.0
        self._headless_since: float | None = None
        self._look_at = 0.0
        self._had_head = False

    def look_after(self) -> bool:
        """Start the cluster when it does not run and is due; True when it was started just now."""
        now = self.clock.monotonic()
        if self.process is None:
            if now < self._start_at:
                return False
            self._start(now)
            return True
        if self.process.poll() is not None:
            self.restart(f"it ended with code {self.process.returncode}")
        elif now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            self._look(now)
        return False

    def restart(self, why: str) -> None:
        """Kill what is left of it; it starts again after a pause that grows with each early death."""
        assert self.process is not None
        now = self.clock.monotonic()
        if now - self.started > HEALTHY_AFTER:
            self._pause = 1.0
        logger.warning("The cluster starts again in %g s: %s.", self._pause, why)
        self._kill()
        self._start_at, self._pause = now + self._pause, min(LONGEST_PAUSE, self._pause * 2)

    def stop(self, grace: float, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Ask the master to stop, kill what is left after ``grace`` seconds; True when nothing had to be killed.

        ``meanwhile`` is called about five times a second until then.
        """
        if self.process is None:
            return True
        self.process.send_signal(signal.SIGTERM)
        deadline = self.clock.monotonic() + grace
        while self.process.poll() is None and self.clock.monotonic() < deadline:
            meanwhile()
            self.clock.sleep(0.2)
        clean = self.process.poll() is not None and not processes.members(self.process.pid)
        self._kill()
        return clean

    def pids(self) -> list[int]:
        """Return the living processes of the cluster."""
        return [each.pid for each in processes.members(self.process.pid)] if self.process else []

    def _start(self, now: float) -> None:
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=processes.die_with_parent,
        )
        self.started, self._headless_since, self._had_head = now, None, False
        self.note.write_text(str(self.process.pid))

    def _look(self, now: float) -> None:
        """Restart a master that lives on without its sentinel: it guards nothing any more."""
        assert self.process is not None
        master = self.process.pid
        if any(each.parent == master for each in processes.members(master)):
            self._headless_since, self._had_head = None, True
        elif not self._had_head:
            return  # it is still starting
        elif self._headless_since is None:
            self._headless_since = now
        elif now - self._headless_since > HEADLESS_AFTER:
            self.restart("its sentinel is dead")

    def _kill(self) -> None:
        assert self.process is not None
        while processes.kill_session(self.process.pid):  # those that were being forked meanwhile
            processes.collect(besides=[self.process.pid])
            self.clock.sleep(0.02)
        self.process.wait()
        processes.collect()
        self.process = None
        self.note.unlink(missing_ok=True)


class OnlyOne:
    """The lock of one worker command a data folder; it ends the cluster that a killed predecessor left behind."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "worker.lock"
        self.note = folder / "worker.session"

    def acquire(self) -> None:
        """Take the lock (the kernel frees it when we die) or raise Conflict at once."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            first = os.pread(descriptor, 20, 0).decode() or "?"
            os.close(descriptor)
            raise Conflict(f"A worker already runs in this data folder (pid {first}).", code="worker_runs") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._end_leftovers()

    def _end_leftovers(self) -> None:
        """Kill the session that the note names, as far as it still is a cluster."""
        try:
            session = int(self.note.read_text())
        except (OSError, ValueError):
            return
        left = [each.pid for each in processes.members(session) if "qcluster" in processes.command_line(each.pid)]
        for pid in left:
            logger.warning("Ending process %s of a cluster that was left behind.", pid)
            os.kill(pid, signal.SIGKILL)
        self.note.unlink(missing_ok=True)
