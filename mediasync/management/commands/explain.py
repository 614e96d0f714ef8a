"""``manage.py explain``: why is it not there?"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.utils import OperationalError, ProgrammingError
from django.utils import timezone
from django.utils.translation import gettext as _

from mediasync.core import foreign
from mediasync.core.paths import for_people, from_argument
from mediasync.explain import Explained, Step, explain

SIGNS = {"ok": "✓", "bad": "✕", "warn": "!", "busy": "▶", "rest": "‖", "idle": "·"}


class Command(BaseCommand):
    """Show the way of a path to the servers, and what to do where it ends."""

    help = (
        "Show the whole way of a path: root, filter, snapshot, changes, links, mapping, libraries, requests and proof, "
        "and say what to do. The path need not exist. Nothing is changed. Exit codes: 0 explained, 2 usage."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", help="a file or folder")
        parser.add_argument("--source", default="", help="the path is as this source names it (sonarr, …)")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        path = from_argument(options["path"])
        here = path and "\0" not in path and not path.startswith("/") and not foreign.is_windows(path)
        if here and not options["source"]:
            path = f"{from_argument(os.getcwd())}/{path}"
        try:
            found = explain(path, from_argument(options["source"]))
        except (OperationalError, ProgrammingError) as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                raise CommandError("The database is not set up. Do it: manage.py migrate", returncode=2) from error
            raise
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
        else:
            self._text(found)

    def _text(self, found: Explained) -> None:
        self._steps(for_people(found.path), found.steps)
        for server in found.servers:
            self._steps(f"{server.name} ({server.kind})", server.part.steps)
        self.stdout.write(_("What to do"))
        for advice in found.todo:
            self.stdout.write(f"  → {advice.said.text}")

    def _steps(self, title: str, steps: Sequence[Step]) -> None:
        self.stdout.write(title)
        for step in steps:
            at = timezone.localtime(step.at).strftime("  %Y-%m-%d %H:%M:%S") if step.at else ""
            self.stdout.write(f"  {SIGNS[step.tone]} {step.stage:9} {step.said.text.strip()}{at}")
