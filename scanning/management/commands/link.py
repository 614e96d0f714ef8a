"""``manage.py link``: make, check and repair the links of a root."""

from __future__ import annotations

import gc
import json
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError

from mediasync.core.errors import MediasyncError, NotFound
from mediasync.core.paths import for_people, from_argument
from mediasync.core.progress import ProgressLine, count, duration
from mediasync.jobs import asking, registry, telling
from mediasync.jobs.choices import RESTING, ItemState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Event, Item, Job, Stage
from mediasync.jobs.snapshots import Snapshot
from monitors.models import Root
from monitors.selectors import root_named
from scanning import link_services
from scanning.links import examine, selectors
from scanning.links.rules import RuleSpec

EXITS = """
Exit codes: 0 all is right, 1 --check found something or it failed, 2 usage, 3 done but some links could not be made,
5 no such root or no link rule, 6 it rests until you act (no space left, paused).
"""
FIGURES = ("made", "replaced", "moved", "removed", "right", "folders_right", "kept", "held", "conflicts", "failed")
LABELS = {"folders_right": "folders proved right"}


class Command(BaseCommand):
    """Bring the links of one root into step with its snapshot."""

    help = "Make the links of a root: missing ones are made, wrong ones repaired. It does not crawl." + EXITS
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("root", metavar="ROOT", help="name, number or path of a root")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--check", action="store_true", help="only report what is missing, wrong, broken or orphaned")
        how.add_argument("--sweep", action="store_true", help="also remove our links whose source is confirmed gone")
        parser.add_argument("--to", metavar="PATH", help="make a link rule with this target first (or move it there)")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        _hurry()
        self.line = ProgressLine(cast(Any, self.stderr)._out)
        try:
            root = root_named(from_argument(options["root"]))
            if options["to"]:
                self._make_rule(root, from_argument(options["to"]))
            rule = selectors.rule_of(root.pk)
            if rule is None:
                raise NotFound(f"{root.name} has no link rule. Make one: --to PATH.", code="no_link_rule")
            if options["check"]:
                code = self._check(RuleSpec.of(rule), root, as_json=options["json"])
            else:
                code = self._run(root, sweep=options["sweep"], as_json=options["json"])
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        if code:
            raise SystemExit(code)

    def _make_rule(self, root: Root, target: str) -> None:
        rule = selectors.rule_of(root.pk)
        if rule is None or rule.target != target.rstrip("/"):
            for sentence in link_services.save_rule(root, target, enabled=True)[1]:
                self.stderr.write(sentence)

    def _check(self, spec: RuleSpec, root: Root, *, as_json: bool) -> int:
        total = max(root.directories, 1)
        report = examine.examine(spec, lambda done: self.line.show(root.name, f"{count(done)} folders", done / total))
        self.line.clear()
        if as_json:
            facts = {"root": root.name, "right": report.right, **report.counts, "examples": report.examples}
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
        else:
            said = ", ".join(f"{count(number)} {kind}" for kind, number in report.counts.items())
            self.stdout.write(f"{root.name}: {count(report.right)} right, {said}")
            for kind, paths in report.examples.items():
                for path in paths:
                    self.stdout.write(f"  {kind:<9} {for_people(path)}")
                if report.counts[kind] > len(paths):
                    self.stdout.write(f"  {kind:<9} … and {count(report.counts[kind] - len(paths))} more")
        return 0 if report.fine else 1

    def _run(self, root: Root, *, sweep: bool, as_json: bool) -> int:
        """Repair in this process; Ctrl-C ends it at a safe point and leaves the rest to the worker."""
        stop = asking.Flag()
        before = {number: signal.signal(number, stop.set) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for unfinished in link_services.unfinished(root):  # a killed one would hold the root for ever
                drain(unfinished.pk, stop=stop, on_progress=lambda s: self._show(root, s))
            submitted = link_services.repair(root, sweep=sweep, actor=asking.actor())
            job = drain(submitted.job.pk, stop=stop, on_progress=lambda s: self._show(root, s))
        finally:
            self.line.clear()
            for number, handler in before.items():
                signal.signal(number, handler)
        facts = summary(job, root, self.line.elapsed)
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if as_json else "\n".join(lines(facts)))
        return 130 if stop() else telling.exit_code(job)

    def _show(self, root: Root, snapshot: Snapshot) -> None:
        made, right = snapshot.numbers.get("made", 0), snapshot.numbers.get("right", 0)
        share = snapshot.done / snapshot.total if snapshot.total else None
        self.line.show(f"{root.name}: {snapshot.stage}", f"{count(made)} made, {count(right)} right", share)


def _hurry() -> None:
    """Let the threads, which mostly wait for the system, give way at once; do not collect what is not garbage."""
    sys.setswitchinterval(0.0001)  # seconds
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def summary(job: Job, root: Root, seconds: float) -> dict[str, Any]:
    """Return what came of a link job as plain values."""
    result: Mapping[str, Any] = Stage.objects.get(job=job, name="link").result
    failed = Item.objects.filter(stage__job=job, state=ItemState.FAILED).values_list("error_code", "error_params")
    events = Event.objects.filter(job=job, code__startswith="link_").order_by("pk").values_list("code", "params")
    rests = [(job.reason_code, job.reason_params)] if job.state in RESTING and job.reason_code else []
    said = [*rests, *failed[:20], *events[:20]]
    return {
        "job": job.pk,
        "root": root.name,
        "state": job.state,
        "seconds": round(seconds, 3),
        **{name: int(result.get(name, 0)) for name in FIGURES},
        "problems": [{"code": code, "text": registry.text(code, params)} for code, params in said],
    }


def lines(facts: Mapping[str, Any]) -> list[str]:
    """Return the summary for people."""
    figures = ", ".join(f"{count(facts[name])} {LABELS.get(name, name)}" for name in FIGURES if facts[name])
    out = [f"{facts['root']}: {facts['state']} after {duration(facts['seconds'])}: {figures or 'nothing to do'}"]
    out += ["  " + for_people(problem["text"]) for problem in facts["problems"]]
    if facts["held"]:
        out.append(f"  {count(facts['held'])} links have lost their source and were left: --sweep removes them.")
    return out
