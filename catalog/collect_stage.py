"""The stage that collects: one item a pool of a source, so that one that fails leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError, WorkError
from mediasync.jobs.choices import Effect
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage

from . import plugins
from .asking import forget_failure, note_failure, sources_for
from .collecting import collect
from .models import Source


class Collect(Stage):
    """Ask each source for its playlists."""

    name = "collect"
    label = _("Collect")
    effect = Effect.IDEMPOTENT
    workers = 4  # hosts that are asked side by side; each by itself is asked slowly

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        """Yield the pools of the sources that are switched on; UsageError where there is none."""
        wanted = job.scope.get("pools") or ()
        items = [
            NewItem(f"{source.name}/{pool}", group=source.name, group_label=source.name)
            for source in sources_for(job.scope)
            for pool in pools_of(source)
            if not wanted or pool in wanted
        ]
        if not items:
            raise UsageError("No source that has playlists to collect is switched on.", code="no_source")
        yield Planned(items)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        name, _slash, pool = item.key.partition("/")
        source = Source.objects.filter(name=name, enabled=True).first()
        if source is None:
            return Skipped("source_off", {"name": name})
        try:
            found = collect(source, pool, ctx)
        except WorkError as error:
            note_failure(source, pool, error, ctx)
            raise
        forget_failure(source, pool, ctx)
        return Done(asdict(found))


def pools_of(source: Source) -> tuple[str, ...]:
    """Return the kinds of pools of a source; none for a plug-in that is not there."""
    try:
        return tuple(plugins.load(plugins.PLAYLISTS, source.plugin).pools)
    except UsageError:
        return ()
