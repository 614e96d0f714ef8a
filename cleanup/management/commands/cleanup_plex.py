"""``manage.py cleanup_plex``: plan a clean-up of Plex's data folder, carry it out, put it back, delete it for good."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from cleanup import expiry, folders, policy, preflight, scopes, selectors, server_facts, services, steps
from cleanup.choices import RunState
from cleanup.management import report, sights
from cleanup.management.working import Worker
from cleanup.models import PlexFolder, Run
from mediasync.core.errors import Conflict, MediasyncError, NotFound, UsageError
from mediasync.core.paths import for_people, from_argument
from mediasync.core.progress import count
from mediasync.jobs import asking, telling
from mediasync.jobs.choices import TERMINAL

REFUSED = Conflict.exit_code
EXITS = """
Exit codes: 0 done, 1 failed, 2 usage, 3 some rows failed, 4 the plan is refused, 5 no such run or folder,
6 a person must act (Plex runs …), 75 it waits, 130 stopped.
"""
LIMITS = ("step", "section", "prefix", "type", "limit")  # all but the first need it
ORDER = (0, 3, REFUSED, 75, 6, 1, 130)  # the worst of several wins


class Command(BaseCommand):
    """See ``EXITS`` for how it ends; without a step it only looks at the folder."""

    help = "Make Plex's data folder smaller: a plan first, and a way back after it." + EXITS

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--folder", help="name, number or path of the data folder, where there are several")
        parser.add_argument("--add", action="store_true", help="make the path given as --folder known first")
        parser.add_argument("--step", action="append", default=[], metavar="STEP", help=", ".join(steps.NAMES))
        parser.add_argument("--section", action="append", type=int, default=[], help="only this library (its number)")
        parser.add_argument("--prefix", action="append", default=[], help="only bundles that begin so: 0 to f, or all")
        parser.add_argument("--type", action="append", default=[], help="only this folder of Metadata, Media or Cache")
        parser.add_argument("--limit", type=int, default=0, help="at most so many rows")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="only plan (the default)")
        how.add_argument("--apply", nargs="?", type=int, const=0, metavar="RUN", help="carry out (the plan RUN)")
        how.add_argument("--restore", type=int, metavar="RUN", help="put back all that RUN did")
        how.add_argument(
            "--purge", nargs="?", type=int, const=0, metavar="RUN", help="delete for good (RUN, or all that is due)"
        )
        parser.add_argument("--sizes", action="store_true", help="when only looking: count files and bytes, too")
        parser.add_argument(
            "--yes", action="count", default=0, help="ask nothing; twice where the policy keeps no quarantine"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        self.worker = Worker(cast(Any, self.stderr)._out)
        self.told: list[dict[str, Any]] = []
        try:
            code = self._do()
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        if self.options["json"] and self.told:
            self._json({"runs": self.told})
        if code:
            raise SystemExit(code)

    def _do(self) -> int:
        self._check_limits()
        if self.options["restore"] is not None:
            return self._restore(self._run(self.options["restore"]))
        if self.options["purge"] is not None:
            return self._purge(self.options["purge"])
        if self.options["apply"]:
            return self._apply(self._run(self.options["apply"]))
        folder = self._folder()
        if self.options["step"]:
            return self._plan(folder)
        if self.options["apply"] is not None or self.options["dry_run"]:
            steps.check([])  # says which there are
        return self._look(folder)

    def _check_limits(self) -> None:
        """Refuse what would be passed over: whoever says it believes that it limits what is done."""
        given = [name for name in LIMITS if self.options[name]]
        said = ", ".join(f"--{name}" for name in given)
        if given and (
            self.options["apply"] or self.options["restore"] is not None or self.options["purge"] is not None
        ):
            message = f"{said} cannot limit a run: its plan says what is done. Plan anew, without a RUN."
            raise UsageError(message, code="cleanup_not_with_run")
        if given and "step" not in given:
            raise UsageError(f"{said} limits a plan: name what is planned with --step.", code="cleanup_no_steps")

    # -- What it works on

    def _run(self, number: int) -> Run:
        """Return a run; UsageError if a folder was named and the run is of another one."""
        run = Run.objects.select_related("folder", "job").filter(pk=number).first()
        if run is None:
            raise NotFound(f"There is no run {number} of the clean-up.", code="cleanup_no_run")
        if self.options["folder"] and (folder := self._folder()) != run.folder:
            raise UsageError(f"Run {number} is of {run.folder}, not of {folder}.", code="cleanup_other_run")
        return run

    def _folder(self) -> PlexFolder:
        named = from_argument(self.options["folder"] or "")
        if self.options["add"]:
            return folders.add(named)
        if named:
            return scopes.folder_of(named)
        known = list(PlexFolder.objects.order_by("name")[:2])
        if len(known) == 1:
            return known[0]
        if known:
            names = ", ".join(PlexFolder.objects.values_list("name", flat=True).order_by("name"))
            raise UsageError(f"Say which data folder: --folder NAME ({names}).", code="cleanup_no_folder")
        found = folders.find()
        if not found:
            raise UsageError(
                "No data folder is known, and none lies in the usual places. Add it: "
                "manage.py cleanup_plex --add --folder PATH",
                code="cleanup_no_folder",
            )
        ways = "\n".join(f'  manage.py cleanup_plex --add --folder "{for_people(path)}"' for path in found)
        raise UsageError(f"No data folder is known yet. Add the one that was found:\n{ways}", code="cleanup_no_folder")

    # -- What it does

    def _look(self, folder: PlexFolder) -> int:
        facts = preflight.look(folder, server_facts.of(folder))
        if self.options["sizes"] and not facts["refused"]:
            facts["sizes"] = sights.sizes(folder)
        if self.options["json"]:
            self._json({"folder": folder.name, **facts})
        else:
            self.stdout.write("\n".join(sights.lines(folder, facts)))
        return REFUSED if facts["refused"] else 0

    def _plan(self, folder: PlexFolder) -> int:
        applying = self.options["apply"] is not None
        if applying:
            self._may_ask(policy.of(folder.policy).delete_at_once)
        started = services.plan(
            folder,
            self.options["step"],
            sections=self.options["section"],
            prefixes=self.options["prefix"],
            types=self.options["type"],
            limit=self.options["limit"],
            actor=asking.actor(),
        )
        code = self._follow(started, _("Plan of %s") % folder)
        run = self._run(started.run.pk)
        code = REFUSED if run.state == RunState.REFUSED else code
        if applying and run.state == RunState.PLANNED and not selectors.planned(run).rows:
            self._say(_("There is nothing to do."))
            services.drop(run, actor=asking.actor())
        elif applying and run.state == RunState.PLANNED:
            return self._apply(run)
        elif run.state == RunState.PLANNED and not selectors.planned(run).rows:
            self._say(_("There is nothing to do."))
        elif run.state == RunState.PLANNED:
            self._say(_("Nothing was changed. Carry it out: manage.py cleanup_plex --apply %d") % run.pk)
        return code

    def _apply(self, run: Run) -> int:
        if run.state == RunState.PLANNED:
            files = selectors.planned(run).files
            keeps = not policy.of(run.policy).delete_at_once
            self._may_ask(not keeps)
            if not self._agreed(files, _("Type the number of files (%s) to carry it out: ") % count(files)):
                return self._not_done(run)
            if not keeps and not self._sure(_("Nothing is kept: there is no way back. Really? [y/N] ")):
                return self._not_done(run)
            run = services.accept(run, files_typed=files, actor=asking.actor())
        return self._follow(services.apply(run, actor=asking.actor()), _("Clean-up of %s") % run.folder)

    def _restore(self, run: Run) -> int:
        self._may_ask()
        if not self._sure(_("Put back all that run %d did? [y/N] ") % run.pk, enough=1):
            return self._not_done(run)
        return self._follow(services.restore(run, actor=asking.actor()), _("Way back of run %d") % run.pk)

    def _purge(self, number: int) -> int:
        self._may_ask()
        folder = self._folder() if self.options["folder"] else None
        runs = [self._run(number)] if number else list(expiry.expired(folder))
        codes = [0]
        for run in runs:
            text = _("Delete for good what lies in the quarantine of run %d? [y/N] ") % run.pk
            if not self._sure(text, enough=1):
                codes.append(self._not_done(run))
            else:
                codes.append(self._follow(services.purge(run, actor=asking.actor()), str(run)))
            if self.worker.stopped():
                break
        if not runs:
            self._say(_("No quarantine is due."))
        return max(codes, key=ORDER.index)

    # -- Asking and telling

    def _may_ask(self, twice: bool = False) -> None:
        """Raise UsageError where nobody can be asked and ``--yes`` was not said (often enough)."""
        needed = 2 if twice else 1
        if self.options["yes"] < needed and not self._terminal():
            said = " ".join(["--yes"] * needed)
            raise UsageError(f"Nobody can be asked here: say {said}.", code="cleanup_say_yes")

    def _terminal(self) -> bool:
        return not self.options["json"] and sys.stdin.isatty() and sys.stdout.isatty()

    def _agreed(self, files: int, question: str) -> bool:
        if self.options["yes"]:
            return True
        typed = "".join(char for char in input(question) if char.isalnum())
        return typed == str(files)

    def _sure(self, question: str, enough: int = 2) -> bool:
        return self.options["yes"] >= enough or input(question).strip().lower() in ("y", "yes")

    def _not_done(self, run: Run) -> int:
        self._say(_("Nothing was done. Run %d stays as it is.") % run.pk)
        return REFUSED

    def _follow(self, started: services.Started, name: str) -> int:
        """Work on a job here, tell what became of the run, and return how to end."""
        job = self.worker.work(started.job, name)
        run = self._run(started.run.pk)
        if self.options["json"]:
            self.told.append(report.facts(run, job))
        else:
            self.stdout.write("\n".join(report.lines(run, job)))
        if self.worker.stopped() and job.state not in TERMINAL:
            self._say(_("Stopped at a safe point. A worker goes on with job #%d, or this command with RUN.") % job.pk)
            return 130
        code = telling.exit_code(job)
        return 3 if code == 0 and (report.bad(run) or run.facts.get("failed")) else code

    def _say(self, text: str) -> None:
        (self.stderr if self.options["json"] else self.stdout).write(text)

    def _json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, ensure_ascii=False, default=str))
