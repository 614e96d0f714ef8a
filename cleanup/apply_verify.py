"""The step that asks each web address for its picture, before anything is written or put away."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, Outcome, Planned, Skipped, Stage

from . import addresses, apply_rows, hosting
from .apply_open import Scene, scene
from .apply_rows import UPDATES, Row, Verdict
from .asking import Answer, Asker, Pace
from .choices import Action
from .choices import Outcome as Became
from .models import PlanRow

ROWS = 200  # of one item
SAVED = 20  # answers that are asked for again at most, after a crash
TRIES = 3  # for an address that is busy or out of reach
PAUSE = 5.0  # seconds between them
MUSIC = "user_music_url"


def updates(run: int) -> QuerySet[PlanRow]:
    """Return the rows of values that are still to be written."""
    return PlanRow.objects.filter(run=run, phase=UPDATES, action=Action.UPDATE, outcome=Became.PLANNED)


class Verify(Stage):
    """Ask for the pictures; rows whose address does not answer with one are out."""

    name = "verify"
    label = _("Ask the web addresses")
    workers = 4

    def __init__(self, clock: Clock = clocks.system) -> None:
        self.clock = clock
        self._paces: dict[float, Pace] = {}
        self._lock = threading.Lock()

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield from apply_rows.items("addresses", updates(job.scope["run"]).exclude(new=""), cursor, ROWS)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        rows = apply_rows.rows(found.run.pk, UPDATES, item.payload["first"], item.payload["last"], Became.PLANNED)
        rows = [row for row in rows if row.new]
        if not rows or not found.goes_on:
            return Skipped("cleanup_nothing_left")
        reasons = self._ask_all(found, rows, ctx)
        verdicts = {row.id: Verdict(Became.URL_FAILED, reasons[row.new]) for row in rows if row.new in reasons}
        apply_rows.write(ctx, verdicts)
        return Done({"asked": len({row.new for row in rows}), **apply_rows.counts(verdicts)})

    def _ask_all(self, found: Scene, rows: Sequence[Row], ctx: Context) -> Mapping[str, str]:
        """Ask what is not known yet; return why addresses cannot be used."""
        wanted = {row.new: row.column == MUSIC for row in rows}
        known = addresses.known(wanted, ctx.now(), found.policy.url_days)
        reasons = {url: "url_failed_lately" for url, ok in known.items() if not ok}
        asker = self.asker(found)
        answers: dict[str, Answer] = {}
        for url, sound in wanted.items():
            if url in known:
                continue
            if len(answers) >= SAVED or ctx.stopping:
                self._save(answers, ctx)
            ctx.checkpoint()
            ctx.progress(url)
            answer = self._ask(asker, url, sound, addresses.is_sample(url, found.policy.url_sample))
            answers[url] = answer
            if not answer.ok:
                reasons[url] = answer.reason
        self._save(answers, ctx)
        return reasons

    def _ask(self, asker: Asker, url: str, sound: bool, full: bool) -> Answer:
        for attempt in range(TRIES):
            if attempt:
                self.clock.sleep(PAUSE)
            answer = asker.ask(url, sound=sound, full=full)
            if answer.final or not answer.soon:
                break
        return answer

    @staticmethod
    def _save(answers: dict[str, Answer], ctx: Context) -> None:
        if answers:
            with ctx.transaction():
                addresses.remember(answers, ctx.now())
            answers.clear()

    def asker(self, found: Scene) -> Asker:
        """Return what asks, at the pace of the policy; all threads share it."""
        with self._lock:
            pace = self._paces.setdefault(found.policy.url_per_second, Pace(found.policy.url_per_second, self.clock))
        return Asker(pace, own=hosting.own_hosts(found.folder.image_host), plain=found.policy.plain_http)
