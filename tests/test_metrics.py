"""/metrics counts what is in the rows, for those who may read it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from mediasync import metrics
from mediasync.jobs.models import Job
from mediasync.servers import tokens
from mediasync.servers.models import Library, Server
from monitors.models import Hint, Root
from scanning.models import ScanRequest

pytestmark = pytest.mark.django_db
TOP = Path(__file__).resolve().parent.parent
Sample = tuple[str, tuple[tuple[str, str], ...]]


def bearer(scope: str = "read") -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.create(scope, [scope])[1]}"}


def samples(client: Client) -> dict[Sample, float]:
    """Return name and labels of each sample → its value."""
    answer = client.get("/metrics", headers=bearer())
    assert answer.status_code == 200
    found: dict[Sample, float] = {}
    for family in parse(answer.content.decode()):
        for each in family.samples:
            key = (each.name, tuple(sorted(each.labels.items())))
            assert key not in found, f"{key} is said twice"
            found[key] = each.value
    return found


def sample(name: str, **labels: str) -> Sample:
    return f"mediasync_{name}", tuple(sorted(labels.items()))


@pytest.fixture
def films() -> Library:
    now = timezone.now()
    server = Server.objects.create(name='Plex "one"\n', kind="plex", url="http://127.0.0.1:9", seen_at=now)
    library = Library.objects.create(server=server, key="1", title="Films")
    for seconds in (5, 25, 45):
        ScanRequest.objects.create(
            server=server, library=library, path=f"/{seconds}", state="verified", verified_at=now,
            changed_at=now - dt.timedelta(seconds=seconds),
        )  # fmt: skip
    ScanRequest.objects.create(server=server, path="/x", state="no_library")
    return library


def test_requests_and_their_proofs_are_counted(client: Client, films: Library) -> None:
    found = samples(client)
    of = {"server": r"Plex \"one\"\x0a".replace('\\"', '"'), "library": "Films"}
    assert found[sample("requests", **of, state="verified")] == 3
    assert found[sample("requests", server=of["server"], library="", state="no_library")] == 1
    assert found[sample("proof_median_seconds", **of)] == 25.0
    limits = [found[sample("proof_seconds_bucket", **of, le=le)] for le in ("10.0", "30.0", "60.0", "+Inf")]
    assert limits == [1, 2, 3, 3]
    assert found[sample("proof_seconds_gsum", **of)] == 75.0
    assert found[sample("server_ok", server=of["server"])] == 1


def test_libraries_of_one_name_are_told_apart(client: Client, films: Library) -> None:
    twin = Library.objects.create(server=films.server, key="2", title="Films")
    ScanRequest.objects.create(server=films.server, library=twin, path="/y", state="verified")
    libraries = {dict(labels)["library"] for name, labels in samples(client) if name == "mediasync_requests"}
    assert libraries == {"Films (1)", "Films (2)", ""}


def test_jobs_hints_and_guards_are_counted(client: Client) -> None:
    Root.objects.create(name="tv", path="/tv", guard="down")
    Job.objects.create(kind="crawl", title_code="x", state="failed")
    Hint.objects.create(source="sonarr", path="/tv/A")
    found = samples(client)
    assert found[sample("jobs", kind="crawl", state="failed")] == 1
    assert found[sample("hints", source="sonarr", state="waiting")] == 1
    assert found[sample("root_ok", root="tv")] == 0


def test_it_speaks_open_metrics_too(client: Client, films: Library) -> None:
    answer = client.get("/metrics", headers={**bearer(), "Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name: family.type for family in parse_open(answer.content.decode())}  # type: ignore[no-untyped-call]
    assert names["mediasync_proof_seconds"] == "gaugehistogram"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer ms_wrong"}, {"X-Api-Key": "x" * 5000}])
def test_others_are_turned_away(client: Client, headers: dict[str, str]) -> None:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize(("staff", "status"), [(True, 200), (False, 401)])
def test_staff_may_look(client: Client, staff: bool, status: int) -> None:
    client.force_login(User.objects.create_user("me", is_staff=staff))
    assert client.get("/metrics").status_code == status
    assert client.post("/metrics").status_code == 405


def test_a_wrong_token_is_not_helped_by_a_session(client: Client) -> None:
    client.force_login(User.objects.create_user("me", is_staff=True))
    assert client.get("/metrics", headers={"Authorization": "Bearer ms_wrong"}).status_code == 401


def test_a_database_that_is_away_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_self: Any) -> Any:
        raise DatabaseError("gone")

    headers = bearer()
    monkeypatch.setattr(metrics.Rows, "collect", away)
    assert client.get("/metrics", headers=headers).status_code == 503


def test_it_asks_little(client: Client, films: Library, django_assert_max_num_queries: Any) -> None:
    headers = bearer()
    with django_assert_max_num_queries(15):
        client.get("/metrics", headers=headers)


def test_every_figure_is_documented(client: Client) -> None:
    said = {f"mediasync_{name}" for name in re.findall(r"`mediasync_(\w+)", (TOP / "docs/metrics.md").read_text())}
    assert said == {family.name for family in metrics.Rows().collect()}
