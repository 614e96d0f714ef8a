"""What people are told of: where each piece of news is seen. Registered by ``connect`` (mediasync/wiring.py)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Count, Q

from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Job
from mediasync.jobs.transitions import ended
from mediasync.notify import conditions, services
from mediasync.notify.conditions import Finding
from mediasync.notify.events import NEW_MEDIA
from mediasync.servers import limits
from mediasync.servers.listeners.arrivals import arrived
from mediasync.servers.listeners.models import Arrival, Listener
from mediasync.servers.models import Server
from mediasync.servers.selectors import refused
from monitors.accounts.limits import QUOTA_SPENT, used_today
from monitors.guards import ABOUT_REMOVALS
from monitors.models import Account, Change, FeedState, Root

SILENT = dt.timedelta(seconds=60)  # a feed whose watcher gave no sign for so long has nobody who listens
TOLD = {JobState.FAILED: "job_failed", JobState.COMPLETED_WITH_ERRORS: "job_errors"}


def on_ended(sender: Any, job_id: int, state: JobState, now: dt.datetime, **_more: Any) -> None:
    """A job ended badly: note it in the transaction that ends it. Not of jobs that send messages: that goes round."""
    if state not in TOLD or TOLD[state] not in services.wanted():
        return
    job = Job.objects.get(pk=job_id)
    if job.kind != "notify":
        facts = facts_of(job)
        services.tell(TOLD[state], facts, key=once_an_hour(TOLD[state], facts, now), now=now)


def once_an_hour(event: str, facts: Mapping[str, Any], now: dt.datetime) -> str:
    """Return a key that is the same for the same trouble of the same hour: a crawl may fail each minute."""
    same = json.dumps([facts["title_code"], facts["title_params"], facts["code"]], sort_keys=True, default=str)
    return f"{event} {now:%Y-%m-%dT%H} {hashlib.sha256(same.encode()).hexdigest()}"


def on_arrived(sender: Any, server: Server, arrivals: Sequence[Arrival], **_more: Any) -> None:
    """A server took new items in: note them in the transaction that stores them."""
    services.tell_all(NEW_MEDIA, [media(server, arrival) for arrival in arrivals], now=arrivals[0].heard_at)


def media(server: Server, arrival: Arrival) -> dict[str, Any]:
    """Return what a message says of a new item; only episodes are gathered by their show."""
    about = {"server": server.name, "library": arrival.library.title if arrival.library else ""}
    if arrival.kind != "episode" or not arrival.show:
        return about | {"title": str(arrival)}
    names = ("show", "season", "episode", "title")
    return about | {name: getattr(arrival, name) for name in names}


def facts_of(job: Job) -> dict[str, Any]:
    """Return what a message says of a job; counts are those of its stages, which are right before its own."""
    stages = list(job.stages.all())
    return {
        "job": job.pk,
        "title_code": job.title_code,
        "title_params": job.title_params,
        "failed": sum(stage.failed for stage in stages),
        "total": sum(stage.total for stage in stages),
        "code": job.reason_code or "job_failed",
        "facts": job.reason_params,
    }


def jobs_that_wait(now: dt.datetime) -> Iterator[Finding]:
    """Yield the jobs that rest until a person acts; one that a person paused has no reason."""
    waits = Q(state=JobState.PAUSED) & ~Q(reason_code="") | Q(state=JobState.INTERRUPTED)
    for job in Job.objects.filter(waits).exclude(kind="notify").order_by("pk")[:200]:
        yield Finding(str(job.pk), facts_of(job), job.reason_code or job.state)


def guards_not_ok(now: dt.datetime) -> Iterator[Finding]:
    """Yield the roots that are not believed, for another reason than removals."""
    rows = Root.objects.filter(enabled=True).exclude(guard=Root.Guard.OK)
    for root in rows.exclude(guard=Root.Guard.SUSPECT, guard_code__in=ABOUT_REMOVALS).order_by("pk"):
        params = {"name": root.name, "code": root.guard_code, "facts": root.guard_params}
        yield Finding(str(root.pk), params, f"{root.guard}:{root.guard_code}")


def removals_held(now: dt.datetime) -> Iterator[Finding]:
    """Yield the roots whose removals wait for a person."""
    rows = Change.objects.filter(state=Change.State.HELD).values("root_id", "root__name").order_by("root_id")
    for row in rows.annotate(held=Count("pk")):
        yield Finding(str(row["root_id"]), {"name": row["root__name"], "held": row["held"]})


def servers_paused(now: dt.datetime) -> Iterator[Finding]:
    """Yield the servers that refused our token."""
    for server in refused():
        params = {"name": server.name, "code": server.paused_reason, "facts": {"status": "401/403"}}
        yield Finding(str(server.pk), params, server.paused_reason or "yes")


def servers_offline(now: dt.datetime) -> Iterator[Finding]:
    """Yield the servers whose breaker is open; a probe that is under way does not close it."""
    for server in Server.objects.filter(enabled=True, paused=False, fails__gte=limits.OPENS_AT).order_by("pk"):
        yield Finding(str(server.pk), {"name": server.name, "error": server.last_error})


def feeds_silent(now: dt.datetime) -> Iterator[Finding]:
    """Yield the feeds, and the listeners to servers, that are in trouble; and feeds that nobody listens to any more."""
    rows = FeedState.objects.filter(Q(root=None) | Q(root__enabled=True), Q(account=None) | Q(account__enabled=True))
    nobody = Q(beat_at=None) | Q(beat_at__lt=now - SILENT) | Q(state=FeedState.State.OFF)
    silent = rows.filter(nobody | Q(state=FeedState.State.TROUBLE)).select_related("root", "account").order_by("pk")
    for row in silent:
        listens = row.beat_at is not None and row.beat_at >= now - SILENT and row.state != FeedState.State.OFF
        code = row.code if listens and row.code else "feed_nobody"
        name = str(row.root or row.account or row)
        params = {"name": name, "code": code, "facts": row.params if listens else {}}
        yield Finding(str(row.pk), params, code)
    deaf = Listener.objects.filter(
        enabled=True, state=Listener.State.TROUBLE, server__enabled=True, server__paused=False
    )
    for listener in deaf.filter(server__fails__lt=limits.OPENS_AT).select_related("server").order_by("pk"):
        params = {"name": listener.server.name, "code": listener.code, "facts": listener.params}
        yield Finding(f"listener {listener.pk}", params, listener.code or "yes")


def accounts_paused(now: dt.datetime) -> Iterator[Finding]:
    """Yield the accounts whose credentials were refused."""
    for account in Account.objects.filter(enabled=True, paused=True).order_by("pk"):
        yield Finding(str(account.pk), {"name": account.name, "error": account.last_error}, account.last_code or "yes")


def budgets_spent(now: dt.datetime) -> Iterator[Finding]:
    """Yield the accounts that may ask no more today, by our budget or their cloud's; each day is news."""
    for account in Account.objects.filter(enabled=True).order_by("pk"):
        used = used_today(account, now)
        resting = account.cooldown_until is not None and account.cooldown_until > now
        if (account.per_day and used >= account.per_day) or (resting and account.last_code == QUOTA_SPENT):
            yield Finding(f"{account.pk} {now.date()}", {"name": account.name, "used": used})


def connect() -> None:
    """Let messages know of all that."""
    ended.connect(on_ended, dispatch_uid="tell of jobs that ended badly")
    arrived.connect(on_arrived, dispatch_uid="tell of new media")
    conditions.register("job_waits", jobs_that_wait)
    conditions.register("guard", guards_not_ok)
    conditions.register("removals_held", removals_held)
    conditions.register("server_paused", servers_paused)
    conditions.register("server_offline", servers_offline)
    conditions.register("feed_silent", feeds_silent)
    conditions.register("account_paused", accounts_paused)
    conditions.register("budget_spent", budgets_spent)
