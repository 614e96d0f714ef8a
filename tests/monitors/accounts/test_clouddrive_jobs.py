"""Crawls through CloudDrive2 as jobs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from mediasync.core.clock import system
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from monitors import services
from monitors.models import Account, Change, Root

from .clouds import Far


def crawl(root: Root) -> Job:
    return services.request_crawl(root, kind="crawl").job


def run(job: Job) -> Job:
    """Run a job until it ends or sleeps."""

    def sleeps() -> bool:
        job.refresh_from_db(fields=["state", "not_before"])
        return job.state == "scheduled" and job.not_before is not None and job.not_before > system.now()

    return drain(job.pk, threads=False, stop=sleeps)


def test_a_throttled_job_sleeps_until_the_account_is_back_and_goes_on(far: Far) -> None:
    Root.objects.update(parallel=2)  # as with 0.9 requests a second
    far.crawl()
    for number in range(20):
        far.cloud.put(f"/115/TV/New {number:02}/x.mkv")
    real, seen = far.cloud._children, list[str]()

    def tiring(path: str) -> Any:
        if path.startswith("/115/TV/New"):
            seen.append(path)
            if len(seen) == 10:
                far.cloud.rules.throttle = 100
        return real(path)

    far.cloud._children = tiring  # type: ignore[method-assign]
    job = run(crawl(far.root))  # the answers to what is under way when it must end are lost
    account = Account.objects.get()
    assert (job.state, job.reason_code) == ("scheduled", "throttled")
    assert job.not_before is not None and account.cooldown_until is not None
    assert abs(job.not_before - account.cooldown_until) < dt.timedelta(seconds=5)
    assert job.not_before > system.now()
    found = Change.objects.filter(kind="added").count()
    assert 0 < found < 20  # what was found is written
    far.cloud.rules.throttle = 0
    Account.objects.update(cooldown_until=None, fails=0)
    Job.objects.filter(pk=job.pk).update(not_before=system.now())
    assert run(job).state == "completed"
    assert Change.objects.filter(kind="added").count() == 20
    assert len(seen) <= 20 + 4  # and little was asked twice


def test_a_job_fails_with_the_guard_when_credentials_are_refused(far: Far) -> None:
    far.crawl()
    far.cloud.rules.tokens.clear()
    job = run(crawl(far.root))
    assert (job.state, job.reason_code) == ("failed", "guard_account")
    root = Root.objects.get()
    assert (root.guard, root.guard_code) == (Root.Guard.DOWN, "guard_account")
    assert len(far.known()) == 6
    far.cloud.rules.tokens.add("good")
    Account.objects.update(paused=False)
    assert services.check_guard(Root.objects.select_related("account").get()).ok
