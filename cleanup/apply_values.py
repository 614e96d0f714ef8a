"""The step that writes proven addresses into Plex's database, and the way such a value goes back.

A row is marked before its value is written, so that after a crash it is known which ones may have been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import Transient
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, Outcome, Planned, Skipped, Stage

from . import addresses, apply_rows, hours
from .apply_checks import check_identity
from .apply_gate import Gate
from .apply_open import Scene, open_root, scene
from .apply_rows import UPDATES, Row, Verdict
from .apply_verify import updates
from .choices import Outcome as Became
from .manifest import Manifest
from .models import PlanRow
from .plexdata.writer import Update, open_writer

ROWS = 500  # of one item; the writer makes transactions of 50 of them
BEGUN = "writing"  # the reason of a row whose value may have been written
ART = "user_art_url"
LOOK = 0.5  # seconds between two looks for a request while a lock is waited for


class Values(Stage):
    """Write what was asked for and answered, guarded by the old value and read back."""

    name = "values"
    label = _("Write addresses")
    attempts = 4  # each waits two minutes for a lock

    def __init__(self, clock: Clock = clocks.system) -> None:
        self.clock = clock

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield from apply_rows.items("values", updates(job.scope["run"]), cursor, ROWS)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        rows = apply_rows.rows(found.run.pk, UPDATES, item.payload["first"], item.payload["last"], Became.PLANNED)
        if not rows or not found.goes_on:
            return Skipped("cleanup_nothing_left")
        hours.keep(found, ctx.now())
        gate = Gate(found, ctx.now())
        running = gate.values()
        verdicts, ready = self._sort(found, rows, gate, ctx)
        begun = [row.id for row in ready]
        apply_rows.write(ctx, verdicts, [lambda: PlanRow.objects.filter(pk__in=begun).update(reason=BEGUN)])
        _note(found, ready)
        answers = write(found, ready, running, waiter(ctx, self.clock))
        written = {pk: unsure(answer) for pk, answer in answers.items()}
        locked = [pk for pk, verdict in written.items() if verdict.outcome == Became.LOCKED]
        if locked and item.attempt < self.attempts:
            apply_rows.write(ctx, {pk: verdict for pk, verdict in written.items() if pk not in locked})
            raise Transient("Plex's database is locked.", code="plex_database_locked")
        apply_rows.write(ctx, written)
        return Done(apply_rows.counts(verdicts | written))

    @staticmethod
    def _sort(found: Scene, rows: Sequence[Row], gate: Gate, ctx: Context) -> tuple[dict[int, Verdict], list[Row]]:
        """Return why some rows cannot be written, and those that can: whose address answered lately."""
        good = addresses.good({row.new for row in rows if row.new}, ctx.now(), found.policy.url_days)
        verdicts: dict[int, Verdict] = {}
        ready = []
        for row in rows:
            if not row.new:
                verdicts[row.id] = Verdict(Became.SKIPPED, "not_uploaded")
            elif row.new not in good:
                verdicts[row.id] = Verdict(Became.URL_FAILED, "url_unasked")
            elif row.column == ART and not gate.can_watch:
                verdicts[row.id] = Verdict(Became.SKIPPED, "art_needs_server")
            else:
                ready.append(row)
        return verdicts, ready


def unsure(verdict: Verdict) -> Verdict:
    """Keep the mark on a row whose value may stand in the database although that could not be read back."""
    if verdict.outcome not in (Became.LOCKED, Became.ERROR):
        return verdict
    return Verdict(verdict.outcome, f"{BEGUN} {verdict.reason}".strip())


def write(
    found: Scene, rows: Sequence[Row], running: bool, wait: Callable[[float], None], *, back: bool = False
) -> dict[int, Verdict]:
    """Write the new values of rows (``back``: the old ones again); return what became of them."""
    if not rows:
        return {}
    check_identity(found.data.database, found.identity)
    asked = [
        Update(row.item or 0, row.column, row.new, row.old)
        if back
        else Update(row.item or 0, row.column, row.old, row.new)
        for row in rows
    ]
    with open_writer(found.data.database, wait=wait, running=running) as writer:
        answers = writer.write(asked)
    return {row.id: Verdict(Became(answer.outcome), answer.detail) for row, answer in zip(rows, answers, strict=True)}


def waiter(ctx: Context, clock: Clock) -> Callable[[float], None]:
    """Return a function that waits, and ends the item if that is asked meanwhile."""

    def wait(seconds: float) -> None:
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            ctx.checkpoint()
            clock.sleep(min(LOOK, left))

    return wait


def _note(found: Scene, rows: Sequence[Row]) -> None:
    """Write the old and new values into the manifest, for those who restore without us."""
    with open_root(found.run.quarantine) as root, closing(Manifest(root)) as manifest:
        manifest.write(
            {"row": row.id, "item": row.item, "column": row.column, "old": row.old, "new": row.new} for row in rows
        )
