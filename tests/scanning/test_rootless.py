"""Hints that lie under no root: scanning takes them where a rule or a library knows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.core.clock import FakeClock
from mediasync.jobs.models import Job
from mediasync.servers.models import LibraryPath
from monitors.hints import intake
from monitors.hints import services as hints
from monitors.hints.notices import Notice, Source
from monitors.models import Hint, Root
from scanning import sources
from scanning.models import PathMapping, ScanRequest

from .helpers import Clock, FakeClient, make_server, run

pytestmark = pytest.mark.django_db
HOOK = Source("sonarr", "sonarr")


def said(*notices: Notice, source: Source = HOOK) -> FakeClock:
    clock = FakeClock()
    intake.take_in(notices, source, reference="payload 7", clock=clock)
    clock.advance(10)
    return clock


def test_it_passes_on_what_a_library_knows() -> None:
    make_server(paths=["/srv/tv"])
    clock = said(Notice("/srv/tv/Show/e1.mkv"), Notice("/srv/tvs/x.mkv"), Notice("/srv/tv/Old", "delete"))
    [submitted] = hints.settle(clock)
    assert (submitted.job.kind, submitted.job.trigger, submitted.job.actor) == ("scan", "webhook", "sonarr")
    assert submitted.job.scope == {"paths": ["/srv/tv/Old", "/srv/tv/Show/e1.mkv"]}
    assert set(Hint.objects.values_list("name", "state", "code", "job_id")) == {
        ("e1.mkv", "passed", "", submitted.job.pk),
        ("Old", "passed", "", submitted.job.pk),
        ("x.mkv", "dropped", "hint_no_root", None),
    }


def test_it_waits_as_long_as_others_do() -> None:
    make_server(paths=["/srv/tv"])
    clock = said(Notice("/srv/tv/Show/e1.mkv"))
    intake.take_in([Notice("/srv/tv/Show/e1.mkv")], HOOK, clock=clock)
    clock.advance(9)
    assert hints.settle(clock) == [] and Hint.objects.get().hits == 2
    clock.advance(1)
    assert len(hints.settle(clock)) == 1


def test_it_passes_on_what_a_rule_translates() -> None:
    server = make_server(paths=["/data/tv"])
    PathMapping.objects.create(space="server", server=server, pattern="/mnt/tv", replacement="/data/tv")
    PathMapping.objects.create(space="source", source="sonarr", pattern="C:\\TV", replacement="/mnt/tv")
    [submitted] = hints.settle(said(Notice("C:\\TV\\Show\\e1.mkv")))
    assert submitted.job.scope == {"paths": ["/mnt/tv/Show/e1.mkv"]}


def test_it_knows_a_rule_whose_library_is_not_read_yet() -> None:
    server = make_server(paths=[])
    PathMapping.objects.create(space="server", server=server, pattern="/mnt/tv", replacement="/data/tv")
    assert sources.known({"/mnt/tv/x.mkv", "/mnt/tv2/x.mkv"}) == {"/mnt/tv/x.mkv"}


def test_it_tells_no_server_of_what_a_sender_may_be_wrong_about() -> None:
    make_server(paths=["/srv/tv"])
    gone = [Notice(f"/srv/tv/{name}", "delete", distrusted=True) for name in "ab"]
    clock = said(*gone, Notice("/srv/tv/a"))  # that one is back
    [submitted] = hints.settle(clock)
    assert submitted.job.scope == {"paths": ["/srv/tv/a"]}
    assert Hint.objects.get(name="b").code == "hint_distrusted"
    said(gone[0])
    assert hints.settle(said(Notice("/srv/tv/a")))[0].job.scope == {"paths": ["/srv/tv/a"]}


@pytest.mark.parametrize("policy", ["drop", "error", "pass"])
def test_it_never_asks_for_a_full_scan(policy: str) -> None:
    make_server(paths=["/srv/tv"], unmatched=policy)
    make_server("jellyfin", paths=["/srv/tv"], enabled=False)
    hints.settle(said(Notice("/other/x.mkv"), Notice("/", "delete"), Notice("/srv", is_dir=True)))
    assert not Job.objects.exists()
    assert set(Hint.objects.values_list("state", flat=True)) == {"dropped"}


def test_it_prefers_the_root(tmp_path: Path) -> None:
    make_server(paths=[str(tmp_path)])
    root = Root.objects.create(name="tv", path=str(tmp_path))
    [submitted] = hints.settle(said(Notice(f"{tmp_path}/Show", "delete")))
    assert submitted.job.kind == "sync" and submitted.job.scope["root"] == root.pk


def test_it_leads_to_a_request_of_the_server(clock: Clock, clients: dict[str, FakeClient]) -> None:
    server = make_server(paths=["/srv/tv"], debounce=0, pace=0)
    intake.take_in([Notice("/srv/tv/Show/e1.mkv")], HOOK, clock=clock)
    clock.advance(10)
    [submitted] = hints.settle(clock)
    run(submitted.job.pk, clock)
    assert ScanRequest.objects.get().path == "/srv/tv/Show"
    run(Job.objects.get(kind="deliver").pk, clock)
    assert clients[server.name].asked == ["/srv/tv/Show"]


def test_it_looks_now_when_told_to() -> None:
    make_server(paths=["/srv/tv"])
    said(Notice("/srv/tv/Show/e1.mkv"), Notice("/nowhere/x.mkv"))
    known, unknown = Hint.objects.order_by("-path")
    submitted = hints.look_now(known)
    assert submitted is not None and submitted.job.kind == "scan"
    assert hints.look_now(unknown) is None


def test_it_takes_a_burst_in_few_statements(django_assert_max_num_queries: object) -> None:
    server = make_server(paths=["/srv/tv"])
    LibraryPath.objects.create(library=server.libraries.get(), path="/srv/films")
    paths = [f"/srv/tv/Show {number % 400}/e{number}.mkv" for number in range(4000)]
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        clock = said(*map(Notice, paths))
        first, second = hints.settle(clock), hints.settle(clock)
    told = [path for each in (*first, *second) for path in each.job.scope["paths"]]
    assert sorted(told) == sorted(paths)


def test_a_hint_of_a_source_that_means_a_disc_names_its_folder() -> None:
    make_server(paths=["/srv/tv"])
    clock = said(*(Notice(f"/srv/tv/Film/BDMV/STREAM/{number}.m2ts") for number in range(50)))
    [submitted] = hints.settle(clock)
    assert submitted.job.scope == {"paths": ["/srv/tv/Film"]}
