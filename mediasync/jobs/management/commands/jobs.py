"""``manage.py jobs``: look at jobs and ask things of them, from the shell and from scripts."""

from __future__ import annotations

import json
import signal
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediasync.core.errors import MediasyncError, UsageError
from mediasync.jobs import asking, doctor, services, telling
from mediasync.jobs.choices import JobState, Source
from mediasync.jobs.models import Job

SIMPLE = {"pause": services.pause, "resume": services.resume, "cancel": services.cancel}
EXITS = """
Exit codes: 0 ok, 1 failed, 2 usage, 3 completed with errors, 4 refused, 5 not found, 6 needs a person, 75 no worker.
"""


class Command(BaseCommand):
    """List, show, run, pause, resume, cancel, retry and follow jobs, and count their items again."""

    help = "Look at jobs and ask things of them." + EXITS

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(
            dest="do", required=True, metavar="list|show|run|pause|resume|cancel|retry|follow|doctor"
        )
        listing = self._verb(verbs, "list", "the newest jobs first")
        listing.add_argument("--state", choices=JobState.values, action="append", help="only these; may be repeated")
        listing.add_argument("--kind", help="only this kind")
        listing.add_argument("--limit", type=int, default=20)
        for name, text in (("show", "one job with its stages"), ("follow", "its events, then its summary")):
            self._verb(verbs, name, text).add_argument("job", type=int)
        run = self._verb(verbs, "run", "submit a job")
        run.add_argument("kind")
        run.add_argument("--scope", default="{}", metavar="JSON", help="on what (default: {})")
        run.add_argument("--config", default="{}", metavar="JSON", help="how (default: {})")
        run.add_argument("--here", action="store_true", help="run it in this process, without a worker")
        run.add_argument("--follow", action="store_true", help="wait for its end, showing its events")
        for name in SIMPLE:
            self._verb(verbs, name, f"{name} a job").add_argument("job", type=int)
        retry = self._verb(verbs, "retry", "do failed items again")
        retry.add_argument("job", type=int)
        retry.add_argument("--item", type=int, action="append", metavar="ID", help="only this one; may be repeated")
        retry.add_argument("--force", action="store_true", help="with --item: even if it succeeded")
        count = self._verb(verbs, "doctor", "compare counters with items; exit code 1 when some differ and stay so")
        count.add_argument("job", type=int, nargs="?", help="only this job (default: all)")
        count.add_argument("--recount", action="store_true", help="mend them, except of jobs that somebody works on")

    @staticmethod
    def _verb(verbs: Any, name: str, text: str) -> Any:
        parser = verbs.add_parser(name, help=text)
        parser.add_argument("--json", action="store_true", help="one JSON document a line")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = getattr(self, f"_{options['do']}")(options)
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        if code:
            raise SystemExit(code)

    def _list(self, options: dict[str, Any]) -> int:
        jobs = Job.objects.order_by("-id")
        if options["state"]:
            jobs = jobs.filter(state__in=options["state"])
        if options["kind"]:
            jobs = jobs.filter(kind=options["kind"])
        for job in jobs[: options["limit"]]:
            self._tell(telling.of_job(job), [telling.line(job)], options)
        return 0

    def _show(self, options: dict[str, Any]) -> int:
        job = asking.find(options["job"])
        self._tell(telling.of_job(job, stages=True), telling.lines(job), options)
        return 0

    def _run(self, options: dict[str, Any]) -> int:
        made = services.submit(
            options["kind"], _json(options["scope"]), config=_json(options["config"]), actor=asking.actor()
        )
        if made.deduplicated:
            self.stderr.write(f"Job {made.job.pk} waits to do the same already.")
        if options["here"]:
            return self._follow_here(made.job, options)
        if options["follow"]:
            return self._follow(options | {"job": made.job.pk})
        self._tell(telling.of_job(made.job), [telling.line(made.job)], options)
        return asking.no_worker_code(self.stderr.write)

    def _follow_here(self, job: Job, options: dict[str, Any]) -> int:
        from mediasync.jobs.drain import drain

        stopped = asking.Flag()
        before = signal.signal(signal.SIGINT, stopped.set)
        try:
            job = drain(job.pk, stop=stopped)
        finally:
            signal.signal(signal.SIGINT, before)
        self._tell(telling.of_job(job, stages=True), telling.lines(job), options)
        return telling.exit_code(job)

    def _follow(self, options: dict[str, Any]) -> int:
        job = asking.find(options["job"])
        try:
            for event in asking.events(job):
                self._tell(telling.of_event(event), [telling.event_line(event)], options)
        except KeyboardInterrupt:
            self.stderr.write(f"No longer following; job {job.pk} goes on.")
            return 0
        job.refresh_from_db()
        self._tell(telling.of_job(job, stages=True), telling.lines(job), options)
        return telling.exit_code(job)

    def _pause(self, options: dict[str, Any]) -> int:
        return self._ask(options, SIMPLE[options["do"]])

    _resume = _cancel = _pause

    def _retry(self, options: dict[str, Any]) -> int:
        items = options["item"]
        if options["force"] and not items:
            raise UsageError("--force needs --item.")
        if not items:
            return self._ask(options, services.retry_failed)
        ask = services.force_retry_items if options["force"] else services.retry_items
        return self._ask(options, lambda job, **who: ask(job, items, **who))

    def _doctor(self, options: dict[str, Any]) -> int:
        one = options["job"]
        jobs = Job.objects.order_by("pk").values_list("pk", flat=True) if one is None else [asking.find(one).pk]
        look = doctor.recount if options["recount"] else doctor.examine
        verdicts = set()
        for job in jobs:
            for finding in look(job):
                verdicts.add(finding.verdict)
                self._tell(_of_finding(finding), [_finding_line(finding)], options)
        if not verdicts and not options["json"]:
            self.stdout.write("Nothing differs.")
        return int(not verdicts <= {doctor.Verdict.MENDED, doctor.Verdict.PRUNED})

    def _ask(self, options: dict[str, Any], ask: Any) -> int:
        command = ask(asking.find(options["job"]), actor=asking.actor(), source=Source.CLI)
        code, sentence = asking.wait_for(command)
        self._tell(telling.of_command(command), [sentence], options)
        return code

    def _tell(self, document: dict[str, Any], lines: Iterable[str], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(document, ensure_ascii=False))
            return
        for line in lines:
            self.stdout.write(line)


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"Not JSON: {text!r} ({error}).") from None
    if not isinstance(value, dict):
        raise UsageError(f"Not a JSON object: {text!r}.")
    return value


def _of_finding(finding: doctor.Finding) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(finding, name) for name in ("job", "stage", "group", "verdict")}
    pairs = {column: {"counter": counter, "rows": rows} for column, (counter, rows) in finding.differs.items()}
    return document | {"differs": pairs}


def _finding_line(finding: doctor.Finding) -> str:
    where = "".join(f" / {name}" for name in (finding.stage, finding.group) if name)
    pairs = ", ".join(f"{column} {counter} (rows: {rows})" for column, (counter, rows) in finding.differs.items())
    return f"#{finding.job}{where}: {finding.verdict}: {pairs}"
