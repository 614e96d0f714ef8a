from __future__ import annotations

from collections.abc import Iterator

import pytest

from mediasync.jobs import registry, services
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Job
from mediasync.jobs.transitions import transition

pytestmark = pytest.mark.django_db


class One(registry.Stage):
    name = "one"


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    kind = registry.JobKind("demo", "Demo", (One(),), title=lambda scope: ("demo", {"count": len(scope["paths"])}))
    with registry.registered(kind):
        yield


def made(*paths: str) -> Job:
    return services.submit("demo", {"paths": list(paths)}).job


def test_it_gives_a_waiting_job_a_wider_scope() -> None:
    job = made("a")
    assert services.widen(job, {"paths": ["a", "b"]})
    assert (job.scope, job.title_params) == ({"paths": ["a", "b"]}, {"count": 2})
    assert services.submit("demo", {"paths": ["a", "b"]}).job == job  # it stands for that now
    assert services.submit("demo", {"paths": ["a"]}).job != job


def test_it_leaves_a_job_that_has_begun() -> None:
    job = made("a")
    assert transition(job.pk, JobState.RUNNING, expect=JobState.QUEUED, bump_epoch=True)
    assert not services.widen(job, {"paths": ["a", "b"]})
    assert transition(job.pk, JobState.SCHEDULED, expect=JobState.RUNNING)  # it sleeps in the middle
    job.refresh_from_db()
    assert not services.widen(job, {"paths": ["a", "b"]})
    job.refresh_from_db()
    assert job.scope == {"paths": ["a"]}


def test_it_leaves_a_job_that_somebody_else_has_widened() -> None:
    job, same = made("a"), made("a")
    assert services.widen(same, {"paths": ["a", "c"]})
    assert not services.widen(job, {"paths": ["a", "b"]})
    job.refresh_from_db()
    assert job.scope == {"paths": ["a", "c"]}


def test_it_leaves_a_job_when_another_waits_for_the_same() -> None:
    job = made("a")
    made("a", "b")
    assert not services.widen(job, {"paths": ["a", "b"]})
