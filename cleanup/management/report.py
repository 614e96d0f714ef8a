"""What ``manage.py cleanup_plex`` says of a run: a document for scripts, lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from cleanup import selectors, services
from cleanup.choices import Klass, Outcome
from cleanup.models import Run
from cleanup.summing import kept, lines_of_coverage
from mediasync.core.paths import for_people
from mediasync.core.progress import count, size
from mediasync.jobs import registry
from mediasync.jobs.models import Job

EXAMPLES = 3  # of each class
BAD = (Outcome.ERROR, Outcome.LOCKED)


def facts(run: Run, job: Job | None) -> dict[str, Any]:
    """Return what became of a run as plain values with English keys."""
    return {
        "run": run.pk,
        "folder": run.folder.name,
        "state": run.state,
        "reason": run.reason,
        "reason_text": selectors.reason(run),
        "steps": run.steps,
        "filters": run.filters,
        "job": job.pk if job else None,
        "job_state": job.state if job else "",
        "job_reason": job.reason_code if job else "",
        "planned": selectors.planned(run)._asdict(),
        "totals": run.totals,
        "kept": kept(run),
        "warnings": run.facts.get("warnings", []),
        "withheld": run.facts.get("withheld", {}),
        "units_failed": run.facts.get("failed", 0),
        "coverage": run.coverage,
        "report": run.report,
        "quarantine": run.quarantine,
        "expires_at": run.expires_at.isoformat() if run.expires_at else None,
    }


def bad(run: Run) -> int:
    """Return how many rows failed."""
    return sum(sums[0] for found in run.totals.values() for outcome, sums in found.items() if outcome in BAD)


def lines(run: Run, job: Job | None) -> Iterator[str]:
    """Yield what became of a run, for people."""
    yield f"{run}: {run.get_state_display()}"
    if run.reason:
        yield "  " + for_people(selectors.reason(run))
    if job is not None and job.reason_code:
        yield "  " + for_people(registry.text(job.reason_code, job.reason_params))
    for code, params in run.facts.get("warnings", ()):
        yield "  " + for_people(registry.text(code, params))
    for klass, outcomes in run.totals.items():
        yield from _class(run, klass, outcomes)
    yield from _together(run)
    for klass, why in run.facts.get("withheld", {}).items():
        yield f"  {Klass(klass).label}: {registry.text(why)}"
    if found := kept(run):
        said = ", ".join(f"{count(number)} {registry.text(code)}" for code, number in found.items())
        yield "  " + _("Stays: %s") % said
    yield from ("  " + line for line in lines_of_coverage(run.coverage))


def _class(run: Run, klass: str, outcomes: Mapping[str, Any]) -> Iterator[str]:
    known = dict(Klass.choices)
    yield f"  {known.get(klass, klass)}"
    for outcome, (rows, files, freed) in outcomes.items():
        text = f"    {Outcome(outcome).label}: {count(rows)}"
        yield text + (f" · {_('%s files') % count(files)}, {size(freed)}" if files else "")
    for row in selectors.rows(run, klass=klass)[:EXAMPLES]:
        yield "      " + for_people(f"{row.path or f'{row.title or row.item} {row.column}'} {row.new}".strip())


def _together(run: Run) -> Iterator[str]:
    sums = selectors.planned(run)
    if run.totals:
        yield "  " + _("Together: %(files)s files, %(size)s; %(updates)s values; %(folders)s empty folders") % {
            "files": count(sums.files),
            "size": size(sums.bytes),
            "updates": count(sums.updates),
            "folders": count(sums.folders),
        }
    done = run.report.get("sums", {})
    if "in_quarantine" in done or "freed" in done:
        yield "  " + _("In quarantine: %(kept)s. Free by now: %(freed)s.") % {
            "kept": size(done.get("in_quarantine", 0)),
            "freed": size(done.get("freed", 0)),
        }
    if run.expires_at and run.quarantine and run.state in services.TO_PURGE:
        yield "  " + _("Deleted for good from: %s") % run.expires_at.date().isoformat()
