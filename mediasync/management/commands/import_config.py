"""``manage.py import_config``: take over what another program was told."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.utils import OperationalError, ProgrammingError
from django.utils.translation import gettext as _

from mediasync.core.errors import MediasyncError
from mediasync.importing import KINDS, Outcome, Plan, Report, apply_plan, plan_of
from mediasync.jobs import asking, registry
from mediasync.servers import connection

Tests = Mapping[str, Sequence[connection.Step]]


class Command(BaseCommand):
    """Read a configuration, make what it says, and tell of each line what came of it."""

    help = (
        "Take over the configuration of partial-path-scanner, autoscan or autopulse: accounts, servers, roots, hooks "
        "and path mappings. Nothing is doubled when it is run again. Exit codes: 0 done, 2 the file cannot be used, "
        "3 a server did not pass --test."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="config.yaml, config.yml, config.toml, config.json")
        parser.add_argument("--kind", choices=list(KINDS), default="", help="whose it is (default: it shows)")
        parser.add_argument("--json", action="store_true", help="the report as JSON, one object")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="say what would be done and change nothing")
        how.add_argument("--test", action="store_true", help="then test the connection to each new server")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = plan_of(options["file"], options["kind"])
            report = apply_plan(plan, dry_run=options["dry_run"], actor=asking.actor())
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        except (OperationalError, ProgrammingError) as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                raise CommandError("The database is not set up. Do it: manage.py migrate", returncode=2) from error
            raise
        tests = {server.name: connection.examine(server) for server in report.servers if options["test"]}
        write = self._json if options["json"] else self._text
        write(plan, report, tests, options["dry_run"])
        if any(not step.ok for steps in tests.values() for step in steps):
            raise SystemExit(3)

    def _text(self, plan: Plan, report: Report, tests: Tests, dry_run: bool) -> None:
        words: dict[Outcome, str] = {
            "made": _("would be made") if dry_run else _("made"),
            "there": _("already there"),
            "not_taken": _("not taken over"),
            "remark": _("note"),
        }
        for line in report.lines:
            place = _("line %d") % line.line if line.line else "—"
            self.stdout.write(f"{place:9} {words[line.outcome]}: {line.key}: {line.text}")
        for name, steps in tests.items():
            self.stdout.write(_("Connection to “%s”:") % name)
            for step in steps:
                self.stdout.write(f"  {'✓' if step.ok else '✗'} {registry.text(step.code, step.params)}")
        counts = Counter(line.outcome for line in report.lines)
        said = [f"{counts[outcome]} {word}" for outcome, word in words.items() if outcome != "remark"]
        self.stdout.write(f"{plan.kind}: {', '.join(said)}." + (" " + _("Nothing was changed.") if dry_run else ""))

    def _json(self, plan: Plan, report: Report, tests: Tests, dry_run: bool) -> None:
        said = {
            "kind": plan.kind,
            "dry_run": dry_run,
            "lines": [asdict(line) for line in report.lines],
            "tests": {
                name: [
                    {"ok": step.ok, "code": step.code, "text": registry.text(step.code, step.params)} for step in steps
                ]
                for name, steps in tests.items()
            },
        }
        self.stdout.write(json.dumps(said, ensure_ascii=False))
