"""What ``manage.py crawl`` shows: how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mediasync.core.paths import for_people
from mediasync.core.progress import ProgressLine, count, duration
from mediasync.jobs import registry
from mediasync.jobs.choices import ItemState, JobState
from mediasync.jobs.models import Item, Job, Stage
from mediasync.jobs.snapshots import Snapshot
from monitors.models import Root

FIGURES = ("directories", "files", "added", "modified", "removed", "moved", "seen", "held", "errors")


def show(line: ProgressLine, root: Root, snapshot: Snapshot) -> None:
    """Say how many folders and files were looked at, how fast, and where it is now."""
    numbers = snapshot.numbers
    if snapshot.state != JobState.RUNNING:
        line.show(_("%s: waiting for its turn") % root.name)
        return
    directories, files = numbers.get("directories", 0), numbers.get("files", 0)
    share = directories / root.directories if root.directories else None
    rate = files / max(line.elapsed, 0.1)
    text = _("%(name)s: %(directories)s folders, %(files)s files, %(rate)s/s") % {
        "name": root.name,
        "directories": count(directories),
        "files": count(files),
        "rate": count(rate),
    }
    line.show(text, for_people(snapshot.text), share)


def facts(job: Job, root: Root, seconds: float) -> dict[str, Any]:
    """Return the summary of a crawl as plain values."""
    result: Mapping[str, Any] = Stage.objects.filter(job=job).order_by("seq").values_list("result", flat=True)[0]
    figures = {name: int(result.get(name, 0)) for name in FIGURES}
    return {
        "job": job.pk,
        "root": root.name,
        "path": root.path,
        "state": job.state,
        "reason": job.reason_code,
        "reason_text": registry.text(job.reason_code, job.reason_params) if job.reason_code else "",
        "seconds": round(seconds, 3),
        "bytes": int(result.get("bytes", 0)),
        **figures,
        "problems": _problems(job),
    }


def _problems(job: Job) -> list[dict[str, Any]]:
    """Return why items failed."""
    failed = Item.objects.filter(stage__job=job, state=ItemState.FAILED).values_list("error_code", "error_params")
    found = []
    for code, params in failed[:20]:
        found.append({"code": code, "params": params, "text": registry.text(code, params)})
    return found


def lines(summary: Mapping[str, Any], *, dry_run: bool) -> list[str]:
    """Return the summary for people."""
    head = _("%(root)s: %(state)s after %(time)s") % {
        "root": summary["root"],
        "state": JobState(summary["state"]).label,
        "time": duration(summary["seconds"]),
    }
    said = [f"{count(summary[name])} {label}" for name, label in _labels().items() if summary[name] or name in ALWAYS]
    out = [head + (_(" (dry run: nothing was written)") if dry_run else ""), "  " + ", ".join(said)]
    out += ["  " + problem["text"] for problem in summary["problems"]]
    if summary["reason"] and not summary["problems"]:
        out.append("  " + summary["reason_text"])
    if summary["held"]:
        out.append("  " + _("Held removals wait for you: Changes in the admin, “Held”."))
    return out


ALWAYS = frozenset({"directories", "files", "added", "modified", "removed", "moved"})


def _labels() -> dict[str, str]:
    return {
        "directories": _("folders"),
        "files": _("files"),
        "added": _("added"),
        "modified": _("modified"),
        "removed": _("removed"),
        "moved": _("moved"),
        "seen": _("waiting for a second look"),
        "held": _("held"),
        "errors": _("folders that could not be listed"),
    }
