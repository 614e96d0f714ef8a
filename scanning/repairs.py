"""The step after a full pass over links: what was repaired or swept has no change behind it, but servers must know.

A first build, and one after the rule was changed, is not told link by link: like the first crawl it is where all
begins, and a person asks for a scan of the library.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from mediasync.core.paths import join, to_bytes
from mediasync.jobs.choices import Level
from mediasync.jobs.models import Job
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage
from monitors.scopes import name_of

from . import selectors, services
from .facts import Fact
from .links.selectors import rule_of
from .models import Link, LinkRule, ScanRequest

Update = ScanRequest.Update
MOST = 2000  # links told one by one; more are a scan of the whole library, which nobody wants by itself


class TellRepairs(Stage):
    """Note what servers are to be told of links that a full pass made or removed."""

    name = "tell_repairs"
    label = _("Note which repaired links servers are to be told of")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        rule = rule_of(job.scope["root"])
        if rule is not None and job.scope.get("full") and not job.scope.get("dry_run") and _repaired(rule, job.id):
            yield Planned([NewItem("repairs")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        rule = rule_of(ctx.job.scope["root"])
        links = list(_repaired(rule, ctx.job.id)[: MOST + 1]) if rule else []
        if rule is None or not links:
            return Skipped("already_told")
        if len(links) > MOST:
            ctx.log("links_many", Level.WARNING, most=MOST, name=name_of(ctx.job.scope))
            return Done()
        found = services.wishes([[_fact(rule, link)] for link in links], selectors.enabled_servers(), "link")
        # A server that looks at the root itself has no library for the links, and need not.
        wanted = {server: [each for each in wishes if each.library] for server, wishes in found.items()}
        with ctx.transaction():
            return Done({"links": len(links), **services.note(wanted, ctx.now())})


def _repaired(rule: LinkRule, job_id: int) -> QuerySet[Link]:
    """Return the links that changed during the job; none if it built the tree."""
    began = Job.objects.values_list("started", flat=True).get(pk=job_id)
    links = Link.objects.filter(folder__rule=rule).select_related("folder").exclude(state=Link.State.CONFLICT)
    if began is None or rule.built_at is None or rule.built_at >= began:
        return links.none()
    return links.filter(changed_at__gte=began).order_by("id")


def _fact(rule: LinkRule, link: Link) -> Fact:
    path = join(rule.target, link.path)
    if link.state == Link.State.OK:
        return Fact(path, Update.MODIFIED, os.path.isdir(to_bytes(path)))
    return Fact(path, Update.DELETED, is_dir=False)
