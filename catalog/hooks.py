"""The export hook: a command of the operator that is run each time a download stage has ended.

It is told of by four events; that it fails never fails the job. A hook that was cut off by a crash is run again, as
everything here is.
"""

from __future__ import annotations

import datetime as dt
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from mediasync.core import clock, processes
from mediasync.core.errors import Stop
from mediasync.core.texts import plain
from mediasync.jobs import registry
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import JobState, Level, StageState, Trigger
from mediasync.jobs.models import Job, Stage
from mediasync.jobs.registry import Context
from mediasync.jobs.transitions import ended

from .selectors import DOWNLOAD

EXPORT = "export"  # the stage that follows a download
KIND = "catalog_export"
TAIL = 2000  # bytes of what the command printed that are kept
LOOK = 0.2  # seconds
SECRET = frozenset({"SECRET_KEY", "FIELD_KEY", "DATABASE_URL", "EMAIL_URL", "IMAP_PASSWORD"})


def run(ctx: Context, stage: int) -> bool:
    """Run the command for the download stage with this id, and return whether it succeeded.

    Raises Stop when the job is to rest: the command is ended, and run again later.
    """
    try:
        command = shlex.split(settings.CATALOG_EXPORT_COMMAND)
    except ValueError as error:
        ctx.log("catalog_export_failed", Level.WARNING, error=f"CATALOG_EXPORT_COMMAND: {error}")
        return False
    if not command:
        ctx.log("catalog_export_skipped")
        return False
    ctx.log("catalog_export_started", command=os.path.basename(command[0]))
    begun = clock.system.monotonic()
    wrong, printed = _run(command, {"MEDIASYNC_JOB": str(ctx.job.id), "MEDIASYNC_STAGE": str(stage)}, ctx)
    seconds = round(clock.system.monotonic() - begun, 1)
    if wrong:
        ctx.log("catalog_export_failed", Level.WARNING, error=wrong, printed=printed, seconds=seconds)
        return False
    ctx.log("catalog_export_succeeded", seconds=seconds)
    return True


def _run(command: Sequence[str], facts: dict[str, str], ctx: Context) -> tuple[str, str]:
    """Run a command without a shell; return what went wrong ("" if nothing) and the end of what it printed."""
    environment = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in SECRET}
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=settings.CATALOG_EXPORT_WORKDIR or None,
                env=environment | facts,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return str(getattr(error, "strerror", "") or error), ""
        wrong = _wait(process, ctx)
        output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL))
        return wrong, plain(output.read().decode("utf-8", "replace")).strip()


def _wait(process: subprocess.Popen[bytes], ctx: Context) -> str:
    """Wait for the end of a command, for as long as it may take; what it left behind in time is its own affair."""
    deadline = clock.system.monotonic() + settings.CATALOG_EXPORT_TIMEOUT
    try:
        while True:
            try:
                code = process.wait(LOOK)
            except subprocess.TimeoutExpired:
                ctx.checkpoint()
                if clock.system.monotonic() > deadline:
                    _end(process)
                    return f"not finished after {settings.CATALOG_EXPORT_TIMEOUT:g} s"
                continue
            return "" if code == 0 else f"exit code {code}" if code > 0 else f"ended by {_signal(-code)}"
    except (Stop, Exception):
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    processes.kill_session(process.pid)
    process.kill()
    process.wait()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# -- Download stages that end without the stage that follows them


def on_ended(sender: Any, job_id: int, state: JobState, now: dt.datetime, **_more: Any) -> None:
    """A job was cancelled or failed: what it had downloaded is told all the same, by a job of its own."""
    if state not in (JobState.CANCELED, JobState.FAILED):
        return
    stages = Stage.objects.filter(job_id=job_id)
    download = stages.filter(name=DOWNLOAD, started__isnull=False).first()
    told = stages.filter(name=EXPORT, state__in=(StageState.SUCCEEDED, StageState.COMPLETED_WITH_ERRORS)).exists()
    if download is None or told or KIND not in {kind.name for kind in registry.kinds()}:
        return
    job = Job.objects.get(pk=job_id)
    jobs.submit(
        KIND,
        {"after": download.pk},
        trigger=Trigger.CHAINED,
        parent=job,
        idempotency_key=f"{KIND}:{download.pk}:{job.attempt}",
    )


def connect() -> None:
    """Hear of jobs that end."""
    ended.connect(on_ended, dispatch_uid="tell of downloads that were cut short")
