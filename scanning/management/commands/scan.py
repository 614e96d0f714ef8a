"""``manage.py scan``: tell servers to look at paths now."""

from __future__ import annotations

import datetime as dt
import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mediasync.core import clock, foreign
from mediasync.core.errors import MediasyncError, UsageError
from mediasync.core.paths import for_people, from_argument, normalise
from mediasync.jobs import asking, registry, services, telling
from mediasync.jobs.choices import TERMINAL
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers.models import Server
from scanning import arriving, explaining, selectors
from scanning.models import ScanRequest

State = ScanRequest.State
OPEN = (State.WAITING, State.SENDING)
EXITS = """
Exit codes: 0 told, 1 failed, 2 usage, 3 some were refused, 5 no server or no library, 75 a server cannot be told now.
"""


class Command(BaseCommand):
    """Translate paths for each server and tell it to look at them."""

    help = "Tell media servers to look at paths again, now." + EXITS

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="folder or file, as this machine names it")
        parser.add_argument("--server", help="only this server (name or number)")
        parser.add_argument("--source", help="the paths are as this source names them (sonarr, …): translate them")
        parser.add_argument("--dry-run", action="store_true", help="show what each server would be asked, and why")
        parser.add_argument("--wait", action="store_true", help="return when the servers were told")
        parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait at most (default: 60)")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        self.json, self.timeout = bool(options["json"]), float(options["timeout"])
        try:
            servers = (
                [selectors.server_named(options["server"])] if options["server"] else list(selectors.enabled_servers())
            )
            paths = [self._local(word, options["source"]) for word in options["paths"]]
            if not servers:
                raise UsageError("There is no server yet. Add one in the admin: Servers.", code="no_server")
            explained = explaining.explain(paths, servers)
            code = self._show(explained, options["dry_run"])
            if not options["dry_run"] and any(each.asks for each in explained):
                code = self._send(paths, options, explained) or code
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        if code:
            raise SystemExit(code)

    def _local(self, word: str, source: str | None) -> str:
        path = from_argument(word)
        if source:
            arrived = arriving.arrive(path, source)
            if arrived.local is None:
                raise UsageError(explaining.sentence(arrived.steps[-1]), code="unmatched")
            return arrived.local
        if foreign.is_windows(path):
            raise UsageError(registry.text("hint_windows_path"), code="bad_path")
        try:
            return normalise(path if path.startswith("/") else f"{from_argument(os.getcwd())}/{path}")
        except ValueError as error:
            raise UsageError(str(error), code="bad_path") from None

    def _show(self, explained: Sequence[explaining.Explained], dry_run: bool) -> int:
        """Say what would be asked; return 5 if some path has no library anywhere."""
        if self.json and dry_run:
            self.stdout.write(json.dumps([each.as_json() for each in explained], ensure_ascii=False))
        for each in [] if self.json else explained:
            for step in each.steps if dry_run else ():
                self.stdout.write(f"  {each.server}: {explaining.sentence(step)}")
            self.stdout.write(self._line(each))
        lost = {each.path for each in explained} - {each.path for each in explained if each.asks}
        return 5 if lost and not all(each.asks for each in explained) else 0

    @staticmethod
    def _line(each: explaining.Explained) -> str:
        if each.asks and each.told.unit:
            titles = ", ".join(library.title for library in each.told.libraries)
            what = f"{for_people(each.asks)} ({each.told.unit.update})"
            return f"{each.server} · {titles}: {what} · {registry.text(each.cost)}"
        return f"{each.server} · {for_people(each.path)}: {registry.text(each.reason)}"

    def _send(self, paths: Sequence[str], options: dict[str, Any], explained: Sequence[explaining.Explained]) -> int:
        began = clock.system.now()
        scope: dict[str, Any] = {"paths": list(paths)}
        if options["server"]:
            scope["server"] = explained[0].server.pk
        made = services.submit("scan", scope, actor=asking.actor())
        job = drain(made.job.pk, threads=False)
        if code := telling.exit_code(job):
            return code
        if not (options["wait"] or not asking.worker_there()):
            return self._report(began, explained, 0)
        for server in {each.server for each in explained}:
            self._deliver(server, began)
        return self._report(began, explained, 75)

    def _deliver(self, server: Server, began: dt.datetime) -> None:
        """Send here, or wait for the worker that does, until all of ours was told or the time is up."""
        until = clock.system.monotonic() + self.timeout
        deliveries = Job.objects.filter(kind="deliver", scope={"server": server.pk}).exclude(state__in=TERMINAL)
        for job in deliveries.order_by("id"):
            drain(
                job.pk,
                threads=False,
                stop=lambda: clock.system.monotonic() > until or not _ours(server, began, OPEN).exists(),
            )

    def _report(self, began: dt.datetime, explained: Sequence[explaining.Explained], waiting_code: int) -> int:
        servers = {each.server for each in explained}
        rows = [row for server in servers for row in _ours(server, began, State.values)]
        if self.json:
            facts = ("server_id", "path", "state", "sent_path", "answer_status", "answer")
            self.stdout.write(json.dumps([{name: getattr(row, name) for name in facts} for row in rows]))
        for row in [] if self.json else rows:
            answer = registry.text(row.answer) if row.answer else row.answer_status or ""
            text = f"{row.server} · {for_people(row.sent_path or row.path)}: {row.get_state_display()} {answer}"
            self.stdout.write(text.rstrip())
        states = {row.state for row in rows}
        if State.FAILED in states:
            return 3 if states & set(selectors.ASKED) else 1
        return waiting_code if states & set(OPEN) else 0


def _ours(server: Server, began: dt.datetime, states: Sequence[str]) -> Any:
    rows = ScanRequest.objects.filter(server=server, last_at__gte=began, state__in=states)
    return rows.select_related("server").order_by("id")
