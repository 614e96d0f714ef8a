"""``manage.py crawl``: look at roots now, here or through the worker."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentParser
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.db.utils import OperationalError, ProgrammingError
from django.utils.translation import gettext as _

from mediasync.core import clock
from mediasync.core.errors import MediasyncError, NoWorker, UsageError
from mediasync.core.paths import for_people, from_argument
from mediasync.core.progress import ProgressLine
from mediasync.jobs import asking, telling
from mediasync.jobs.choices import TERMINAL
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from monitors import services
from monitors.management import report
from monitors.targets import Target, resolve


class Command(BaseCommand):
    """Crawl roots, or folders in them; without arguments all that are enabled."""

    help = "Find out what changed in the roots (all, or those named; a path inside a root looks only there)."
    requires_system_checks = ()  # they take longer than a crawl in which nothing changed

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", nargs="*", metavar="ROOT|PATH", help="name, number or path of a root, or a folder")
        parser.add_argument("--full", action="store_true", help="list every folder, also where its time did not move")
        first = parser.add_mutually_exclusive_group()
        first.add_argument("--baseline", action="store_true", help="take what is there for known, announce nothing")
        first.add_argument("--announce", action="store_true", help="announce everything that the first crawl finds")
        parser.add_argument("--dry-run", action="store_true", help="say what changed and write nothing of it")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--enqueue", action="store_true", help="leave it to the worker and return at once")
        how.add_argument("--follow", action="store_true", help="leave it to the worker and show its events to the end")
        parser.add_argument("--add", action="store_true", help="make a path that lies in no root a new root")
        parser.add_argument("--json", action="store_true", help="the summary as JSON, one object")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        self.stop = asking.Flag()
        try:
            words = [from_argument(word) for word in options["what"]]
            targets = resolve(words, may_add=self._may_add, actor=asking.actor())
            code = self._submit(targets) if options["enqueue"] else self._run(targets)
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        except (OperationalError, ProgrammingError) as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                raise CommandError("The database is not set up. Do it: manage.py migrate", returncode=2) from error
            raise
        if code:
            raise SystemExit(code)

    def _submit(self, targets: list[Target]) -> int:
        """Leave the crawls to the worker."""
        jobs = [(target.root.name, self._job(target).pk) for target in targets]
        if self.options["json"]:
            self._json([{"job": job, "root": name} for name, job in jobs])
        else:
            self.stdout.write("\n".join(f"#{job} {name}" for name, job in jobs))
        return asking.no_worker_code(self.stderr.write)

    def _run(self, targets: list[Target]) -> int:
        """Crawl one root after the other and return the worst exit code."""
        summaries, worst = [], 0
        for target in targets:
            job, seconds = self._follow(target) if self.options["follow"] else self._here(target)
            summary = report.facts(job, target.root, seconds)
            summaries.append(summary)
            worst = max(worst, telling.exit_code(job), key=_weight)
            if self.stop() and job.state not in TERMINAL:
                self.stderr.write(f"Stopped. The worker goes on with job #{job.pk}, or: manage.py crawl")
            elif not self.options["json"]:
                for text in report.lines(summary, dry_run=self.options["dry_run"]):
                    self.stdout.write(text)
            if self.stop():
                worst = 130
                break
        if self.options["json"]:
            self._json(summaries)
        return worst

    def _here(self, target: Target) -> tuple[Job, float]:
        """Crawl in this process; the first Ctrl-C or SIGTERM ends it at a safe point, the second at once."""
        line = ProgressLine(cast(Any, self.stderr)._out)
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._stop)
        try:
            job = drain(
                self._job(target).pk,
                threads=False,
                stop=self.stop,
                on_progress=lambda snapshot: report.show(line, target.root, snapshot),
            )
        finally:
            line.clear()
            for number, handler in before.items():
                signal.signal(number, handler)
        return job, line.elapsed

    def _stop(self, number: int, _frame: Any) -> None:
        self.stop.set()
        signal.signal(number, signal.default_int_handler)

    def _follow(self, target: Target) -> tuple[Job, float]:
        """Show what the worker does; Ctrl-C only ends the showing."""
        if not asking.worker_there():
            raise NoWorker(asking.NO_WORKER)
        job = self._job(target)
        began = clock.system.monotonic()
        for event in asking.events(job):
            if not self.options["json"]:
                self.stdout.write(telling.event_line(event))
        job.refresh_from_db()
        return job, clock.system.monotonic() - began

    def _job(self, target: Target) -> Job:
        announce = {"baseline": False, "announce": True}
        chosen = next((value for name, value in announce.items() if self.options[name]), None)
        return services.request_crawl(
            target.root,
            paths=target.paths,
            full=self.options["full"],
            announce=chosen,
            dry_run=self.options["dry_run"],
            actor=asking.actor(),
            kind="crawl",
        ).job

    def _may_add(self, path: str) -> bool:
        if self.options["dry_run"]:
            text = _("%s lies in no root, and a dry run adds none.") % for_people(path)
            raise UsageError(text, code="no_root", path=path)
        if self.options["add"]:
            return True
        if self.options["json"] or not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        answer = input(f"{for_people(path)} is no root yet. Watch it from now on? [y/N] ")
        return answer.strip().lower() in ("y", "yes")

    def _json(self, jobs: list[dict[str, Any]]) -> None:
        self.stdout.write(json.dumps({"jobs": jobs}, ensure_ascii=False))


def _weight(code: int) -> int:
    """Order exit codes: a failure is worse than errors, which are worse than success."""
    return (0, 3, 75, 6, 1).index(code)
