"""The last step of a plan: what contradicts itself goes, the sums are made, and the limits are looked at."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Count, Min

from mediasync.core.errors import Permanent
from mediasync.jobs.choices import Trigger
from mediasync.jobs.models import Stage
from mediasync.jobs.registry import JobInfo

from . import policy as policies
from . import selectors, services
from .choices import PHASES, Action, RunState
from .models import PlanRow, PlexFolder, Run
from .planning import Found, Unit
from .plexdata import layout
from .policy import Policy

MANY = 500  # values of one query


def note(run: Run, unit: Unit, found: Found, kept: Counter[str]) -> None:
    """Remember of a unit what is no row: what lies there, what was left alone and why. In the rows' transaction."""
    facts = Run.objects.select_for_update().values_list("facts", flat=True).get(pk=run.pk)
    facts.setdefault("units", {})[str(unit)] = {
        **{name: number for name, number in found.weight.facts().items() if number},
        **{f"kept_{why}": number for why, number in kept.items()},
        **{f"foreign_{why}": number for why, number in found.foreign.items()},
        "orphans": found.orphans,
        "outward": found.outward,
        "unwatched": found.unwatched,
    }
    Run.objects.filter(pk=run.pk).update(facts=facts)


def close(run: Run, job: JobInfo) -> int:
    """Finish a plan and return its number of rows. Belongs inside ``ctx.transaction()``."""
    run.refresh_from_db()
    facts = run.facts
    if "root" not in facts:
        services.refuse(run, Permanent("The folder could not be looked at.", code="cleanup_not_looked"))
        return 0
    parts = summed(facts)
    _spare(run, facts.pop("outward"))
    _once(run)
    _cut(run, run.filters.get("limit", 0))
    sums = selectors.count(run)
    facts |= {"sums": sums._asdict(), "parts": parts, "failed": _failed(job)}
    facts.pop("units", None)
    Run.objects.filter(pk=run.pk).update(facts=facts, totals=selectors.totals(run))
    run.refresh_from_db()
    try:
        if lost := sum(numbers.get("unwatched", 0) for numbers in parts.values()):
            message = f"{lost:,} more links lead from bundles to others than can be remembered."
            raise Permanent(message, code="cleanup_many_links", links=lost)
        within(policies.of(run.policy), sums, parts)
    except Permanent as error:
        services.refuse(run, error)
        return sums.rows
    services.move(run, RunState.PLANNED, [RunState.PLANNING])
    if facts.get("index"):
        PlexFolder.objects.filter(pk=run.folder_id).update(last_index=facts["index"])
    if run.filters.get("apply"):
        _go_on(run, sums, job)
    return sums.rows


def summed(facts: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return the sums of the units by part (``Metadata/Movies``, Media, Cache); ``outward`` goes into the facts."""
    parts: dict[str, Counter[str]] = {}
    outward: list[str] = []
    for unit, numbers in facts.get("units", {}).items():
        part = unit.rpartition("/")[0] or unit
        sums = parts.setdefault("Media" if part == layout.MEDIA else part, Counter())
        outward += numbers.get("outward", ())
        sums.update({name: number for name, number in numbers.items() if name != "outward"})
    facts["outward"] = outward
    return {part: dict(sums) for part, sums in sorted(parts.items())}


def within(policy: Policy, sums: selectors.Sums, parts: dict[str, dict[str, int]]) -> None:
    """Raise Permanent, with both figures, for a plan above the limits of the policy."""
    if sums.files > policy.most_files:
        message = f"The plan has {sums.files:,} files; the limit is {policy.most_files:,}."
        raise Permanent(message, code="cleanup_many_files", files=sums.files, most=policy.most_files)
    if sums.bytes > policy.most_bytes:
        message = f"The plan has {sums.bytes:,} bytes; the limit is {policy.most_bytes:,}."
        raise Permanent(message, code="cleanup_many_bytes", bytes=sums.bytes, most=policy.most_bytes)
    for name in (layout.METADATA, "Media"):
        chosen = [numbers for part, numbers in parts.items() if part.split("/")[0] == name]
        orphans = sum(each.get("orphans", 0) for each in chosen)
        bundles = sum(each.get("bundles", 0) for each in chosen)
        if bundles and orphans / bundles > policy.most_share:
            found, most = round(100 * orphans / bundles), round(100 * policy.most_share)
            message = f"{found} % of the bundles of {name} would be orphans; the limit is {most} %."
            figures = {"orphans": orphans, "bundles": bundles, "found": found, "most": most}
            raise Permanent(message, code="cleanup_many_orphans", part=name, **figures)


def _spare(run: Run, outward: list[str]) -> None:
    """Drop the rows about files to which links of other bundles lead, and about trees in which those lie."""
    rows = PlanRow.objects.filter(run=run, base="data")
    for start in range(0, len(outward), MANY):
        part = outward[start : start + MANY]
        bundles = {place.bundle for path in part if (place := layout.place_of(path))}
        rows.filter(phase=PHASES[Action.FILE], path__in=part).delete()
        rows.filter(phase=PHASES[Action.TREE], bundle__in=bundles).delete()


def _once(run: Run) -> None:
    """Keep one row for each value: an image may lie in the bundle of an episode and in that of its show."""
    rows = PlanRow.objects.filter(run=run, phase=PHASES[Action.UPDATE])
    twice = rows.values("item", "column").order_by().annotate(number=Count("pk"), first=Min("pk")).filter(number__gt=1)
    for each in list(twice):
        rows.filter(item=each["item"], column=each["column"], pk__gt=each["first"]).delete()


def _cut(run: Run, limit: int) -> None:
    """Keep the first ``limit`` rows (0: all) in the order in which they were found: values stand before their files."""
    if not limit:
        return
    acting = PlanRow.objects.filter(run=run).exclude(action=Action.REPORT).order_by("id")
    last = acting.values_list("id", flat=True)[limit - 1 : limit].first()
    if last is not None:
        PlanRow.objects.filter(run=run, pk__gt=last).delete()


def _failed(job: JobInfo) -> int:
    """Return how many units could not be looked at; what lies in them stays."""
    return sum(Stage.objects.filter(job_id=job.id, name="find").values_list("failed", flat=True))


def _go_on(run: Run, sums: selectors.Sums, job: JobInfo) -> None:
    """Accept and apply the plan of a schedule that is allowed to: it is below all limits."""
    if not sums.rows:
        services.drop(run, actor=job.actor)
        return
    services.accept(run, files_typed=sums.files, actor=job.actor)
    services.apply(run, trigger=Trigger.SCHEDULE, actor=job.actor)
