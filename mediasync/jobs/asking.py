"""Ask from a shell: who asks, whether anybody answers, and what the answer was."""

from __future__ import annotations

import datetime as dt
import getpass
import os
from collections.abc import Callable, Iterator

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import NotFound, NoWorker

from . import registry
from .choices import RESTING, TERMINAL, CommandState
from .models import Command, EngineState, Event, Job

ANSWER_SECONDS = 3.0
PATIENCE = 15.0  # of one who follows, without anybody at work
TICK_AGE = dt.timedelta(seconds=10)  # a conductor ticks each second
NO_WORKER = "No worker is running: start `manage.py up` or `manage.py worker`."


class Flag:
    """A signal handler that only remembers, and the question whether it was called."""

    def __init__(self) -> None:
        self._set = False

    def set(self, number: int = 0, frame: object = None) -> None:
        self._set = True

    def __call__(self) -> bool:
        return self._set


def find(pk: int) -> Job:
    """Return the job or raise NotFound."""
    job = Job.objects.filter(pk=pk).first()
    if job is None:
        raise NotFound(f"There is no job {pk}.", job=pk)
    return job


def actor() -> str:
    """Return the name of the user of this shell."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def worker_there(now: dt.datetime | None = None) -> bool:
    """Tell whether a conductor has ticked lately."""
    since = (now or clocks.system.now()) - TICK_AGE
    return EngineState.objects.filter(pk=1, last_tick__gt=since).exists()


def no_worker_code(say: Callable[[str], object]) -> int:
    """Return 0, or say that nobody is there and return 75: the request is kept all the same."""
    if worker_there():
        return 0
    say(NO_WORKER)
    return NoWorker.exit_code


def wait_for(command: Command, *, clock: Clock = clocks.system, seconds: float = ANSWER_SECONDS) -> tuple[int, str]:
    """Wait until the command was applied or refused; return the exit code and a sentence."""
    deadline = clock.monotonic() + seconds
    while True:
        command.refresh_from_db()
        if command.state == CommandState.APPLIED:
            return 0, registry.text(command.result_code, command.result_params)
        if command.state == CommandState.REFUSED:
            return 4, registry.text(command.result_code, command.result_params)
        if clock.monotonic() >= deadline:
            return NoWorker.exit_code, f"Asked for, but nobody has answered yet. {NO_WORKER}"
        clock.sleep(0.1)


def events(job: Job, *, clock: Clock = clocks.system, every: float = 0.5) -> Iterator[Event]:
    """Yield the job's events, old and new, until it has ended or rests.

    Raises NoWorker once nobody has conducted or worked on it for a while: the job waits, and a script must not hang.
    """
    last, seen = 0, clock.monotonic()
    while True:
        job.refresh_from_db()
        over = job.state in TERMINAL or job.state in RESTING
        for event in Event.objects.filter(job=job, pk__gt=last).select_related("stage").order_by("pk"):
            last = event.pk
            yield event
        if over:
            return
        if worker_there() or (job.lease_until is not None and job.lease_until > clocks.system.now()):
            seen = clock.monotonic()
        elif clock.monotonic() - seen > PATIENCE:
            raise NoWorker(f"Job {job.pk} waits. {NO_WORKER}")
        clock.sleep(every)
