"""The job that plans: what it writes, what it refuses, and that being killed changes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from cleanup import plan_stages, planning, reading, selectors, services, store
from cleanup.choices import Action, Klass, Outcome, RunState
from cleanup.models import PlanRow, PlexFolder, Run
from mediasync.core.errors import Conflict, UsageError
from mediasync.jobs.choices import JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.jobs.services import submit
from tests.cleanup.plexfolder import sample
from tests.cleanup.plexfolder.builder import PlexBuilder, sha1
from tests.cleanup.plexfolder.sample import Sample

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def made(tmp_path: Path) -> Sample:
    found = sample.make(tmp_path)
    (tmp_path / "media/film.mkv").write_text("x")
    return found


def known(path: Path, **policy: Any) -> PlexFolder:
    return PlexFolder.objects.create(name="Plex", path=str(path), policy=policy)


def planned(folder: PlexFolder, *steps: str, **filters: Any) -> Run:
    """Plan and return the run."""
    started = services.plan(folder, steps or ["all"], **filters)
    job = drain(started.job.pk)
    assert job.state == JobState.COMPLETED, (job.state, job.reason_code)
    started.run.refresh_from_db()
    return started.run


def rows(run: Run) -> set[tuple[str, str, str, str]]:
    return {
        (row.klass, row.action, row.path or f"{row.item} {row.column}", row.unit)
        for row in PlanRow.objects.filter(run=run)
    }


def untouched(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        if "Databases" not in str(path):
            found[str(path)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def test_a_plan_changes_nothing_and_says_all(made: Sample) -> None:
    before, content = (
        untouched(made.folder),
        sqlite3.connect(made.plex.database).execute("SELECT * FROM metadata_items"),
    )
    values = content.fetchall()
    run = planned(known(made.folder), "all")
    assert (run.state, run.reason) == (RunState.PLANNED, "")
    assert untouched(made.folder) == before
    again = sqlite3.connect(made.plex.database).execute("SELECT * FROM metadata_items").fetchall()
    assert again == values
    assert set(run.totals) == {"unused", "selected", "analysis", "orphan", "child", "tidy", "cache"}
    files = PlanRow.objects.filter(run=run, action=Action.FILE).count()
    trees = PlanRow.objects.filter(run=run, action=Action.TREE)
    sums = selectors.planned(run)
    assert sums.files == files + sum(trees.values_list("files", flat=True)) > 20
    assert sums.updates == PlanRow.objects.filter(run=run, action=Action.UPDATE).count() > 5
    assert sum(numbers["planned"][1] for numbers in run.totals.values()) == sums.files
    assert sum(numbers["planned"][2] for numbers in run.totals.values()) == sums.bytes > 0
    assert run.facts["database"]["generation"] == "G2" and len(run.facts["snapshot"]["sha256"]) == 64
    assert run.facts["parts"]["Metadata/Movies"]["orphans"] == 1
    assert run.coverage["before"]["left"]["thumb"] > 0 and not run.coverage["before"]["done"]
    assert not list(reading.folder().iterdir())  # the copy of the database is gone


def test_rows_stand_in_the_order_of_doing(made: Sample) -> None:
    run = planned(known(made.folder), "movie:2", "bundle:metadata:3")
    phases = [row.phase for row in selectors.rows(run)]
    assert phases == sorted(phases) and len(set(phases)) >= 4
    assert set(selectors.samples(run, 2)) == set(run.totals)
    assert all(len(each) <= 2 for each in selectors.samples(run, 2).values())


def test_planning_a_unit_again_replaces_its_rows(made: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    want = rows(planned(known(made.folder), "all"))
    Run.objects.all().delete()
    write, calls = store.write_packed, [0]
    monkeypatch.setattr(planning, "BLOCK", 3)

    def dying(*words: Any) -> None:
        write(*words)
        calls[0] += 1
        if calls[0] in (2, 4, 7):
            raise RuntimeError("the process dies after this block")

    monkeypatch.setattr(store, "write_packed", dying)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mediasync.jobs.outcomes.back_off", lambda attempt: 0.0)
        assert rows(planned(PlexFolder.objects.get(), "all")) == want
    assert calls[0] > 7


def test_accepting_takes_the_number_of_files(made: Sample) -> None:
    run = planned(known(made.folder), "movie:1")
    files = selectors.planned(run).files
    with pytest.raises(Conflict) as caught:
        services.accept(run, files_typed=files + 1, actor="me")
    assert caught.value.code == "cleanup_wrong_number" and Run.objects.get().state == RunState.PLANNED
    run = services.accept(run, files_typed=files, actor="me")
    assert (run.state, run.accepted_by) == (RunState.ACCEPTED, "me") and run.accepted_at
    with pytest.raises(Conflict) as caught:
        services.accept(run, files_typed=files, actor="me")
    assert caught.value.code == "cleanup_wrong_state"


def test_a_dropped_plan_leaves_a_note(made: Sample) -> None:
    run = services.drop(planned(known(made.folder), "movie:1"), actor="me")
    assert run.state == RunState.DROPPED and not PlanRow.objects.exists()
    with pytest.raises(Conflict):
        services.drop(run, actor="me")


def test_the_limits_refuse_with_the_figure(made: Sample) -> None:
    folder = known(made.folder, most_files=3)
    run = planned(folder, "all")
    assert (run.state, run.reason) == (RunState.REFUSED, "cleanup_many_files")
    assert run.facts["why"]["most"] == 3 < run.facts["why"]["files"]
    assert str(run.facts["why"]["files"]) in selectors.reason(run)
    for policy, code in (({"most_bytes": 5000}, "many_bytes"), ({"most_share": 0.05}, "many_orphans")):
        PlexFolder.objects.update(policy=policy)
        folder.refresh_from_db()
        run = planned(folder, "all")
        assert (run.state, run.reason) == (RunState.REFUSED, f"cleanup_{code}")
        with pytest.raises(Conflict):
            services.accept(run, files_typed=selectors.planned(run).files, actor="me")


def test_an_index_that_shrank_is_not_believed(made: Sample) -> None:
    folder = known(made.folder)
    assert planned(folder, "movie:1").state == RunState.PLANNED
    folder.refresh_from_db()
    counts = folder.last_index
    PlexFolder.objects.update(last_index={**counts, "items": counts["items"] * 2})
    folder.refresh_from_db()
    run = planned(folder, "movie:1")
    assert (run.state, run.reason) == (RunState.REFUSED, "cleanup_index_shrank")
    assert run.facts["why"]["lost"] == 50 and "50 %" in selectors.reason(run)
    services.believe(folder)
    assert planned(folder, "movie:1").state == RunState.PLANNED


def test_an_empty_index_is_refused(tmp_path: Path) -> None:
    plex = PlexBuilder(tmp_path / "plex")
    plex.file(f"Metadata/Movies/0/{'1' * 39}.bundle/Contents/x")
    run = planned(known(plex.finish()), "all")
    assert (run.state, run.reason) == (RunState.REFUSED, "plex_index_empty") and not PlanRow.objects.exists()


def test_a_database_that_cannot_be_read_is_refused(made: Sample) -> None:
    for end in ("-wal", "-shm"):
        made.plex.database.with_name(made.plex.database.name + end).unlink(missing_ok=True)
    made.plex.database.write_bytes(b"no database" * 1000)
    run = planned(known(made.folder), "all")
    assert run.state == RunState.REFUSED and run.reason.startswith("plex_database")


def test_orphans_stay_while_a_library_is_not_mounted(made: Sample, tmp_path: Path) -> None:
    (tmp_path / "media/film.mkv").unlink()  # as an unmounted disk leaves it
    run = planned(known(made.folder), "all")
    assert run.state == RunState.PLANNED and "orphan" not in run.totals
    assert "Media" in run.facts["no_orphans"] and run.facts["missing"]
    PlexFolder.objects.update(policy={"elsewhere": True})
    assert "orphan" in planned(PlexFolder.objects.get(), "all").totals


def test_filters_narrow_the_plan(made: Sample) -> None:
    folder = known(made.folder)
    everything = rows(planned(folder, "bundle:metadata:1"))
    film = made.items["film"]
    run = planned(folder, "all", prefixes=[film.hash[0]], types=["Movies"])
    assert {unit for *_rest, unit in rows(run)} == {f"Metadata/Movies/{film.hash[0]}"}
    assert len(rows(planned(folder, "bundle:metadata:1", limit=2))) == 2 < len(everything)
    with pytest.raises(UsageError):
        services.plan(folder, ["all"], prefixes=["g"])
    with pytest.raises(UsageError):
        services.plan(folder, ["all"], types=["../Movies"])


def test_the_cache_alone_needs_no_database(made: Sample) -> None:
    made.plex.database.write_bytes(b"no database")
    run = planned(known(made.folder), "cache")
    assert run.state == RunState.PLANNED and set(run.totals) == {"cache"} and "index" not in run.facts


def test_a_file_that_another_bundle_needs_stays(tmp_path: Path) -> None:
    plex = PlexBuilder(tmp_path / "plex")
    film, other = plex.item(1, "Film"), plex.item(1, "Other")
    path, _value = plex.modern(film, "posters", "https://x.example/1.jpg")
    orphan = plex.file(f"Metadata/Artists/0/{'1' * 39}.bundle/Contents/_combined/posters/a_{sha1('o')}")
    name = f"posters/agent_{sha1('a')}"
    plex.link(f"{other.bundle}/Contents/_combined/{name}", f"../../../../../../../{path}")
    plex.link(f"{other.bundle}/Contents/_combined/art/agent_{sha1('b')}", str(plex.path / orphan))
    plex.set(other, thumb=f"metadata://{name}")
    run = planned(known(plex.finish(), most_share=1), "all")
    assert not PlanRow.objects.filter(run=run, action__in=[Action.TREE]).exists()
    assert path not in PlanRow.objects.filter(run=run).values_list("path", flat=True)


def test_a_value_is_planned_once(tmp_path: Path) -> None:
    plex = PlexBuilder(tmp_path / "plex")
    show = plex.item(2, "Show")
    season = plex.item(3, "Season", parent=show)
    _path, value = plex.modern(show, "posters", "https://x.example/1.jpg", item=season)
    name = value.removeprefix("metadata://")
    plex.file(f"{season.bundle}/Contents/_combined/{name}")
    plex.set(season, thumb=value)
    run = planned(known(plex.finish()), "show:2")
    assert PlanRow.objects.filter(run=run, action=Action.UPDATE).count() == 1


def test_a_schedule_makes_its_own_run_and_applies_it(made: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, applied = known(made.folder), []
    monkeypatch.setattr(services, "apply", lambda run, **words: applied.append((run.pk, run.state, words["actor"])))
    scope = {"folder": folder.pk, "steps": ["cache"], "apply": True}
    job = submit("cleanup_plan", scope, actor="schedule: nightly").job
    assert drain(job.pk).state == JobState.COMPLETED
    run = Run.objects.get()
    assert run.job_id == job.pk and run.accepted_by == "schedule: nightly"
    assert applied == [(run.pk, RunState.ACCEPTED, "schedule: nightly")]
    PlexFolder.objects.update(policy={"most_files": 0})
    assert drain(submit("cleanup_plan", scope).job.pk).state == JobState.COMPLETED
    assert Run.objects.first().state == RunState.REFUSED and len(applied) == 1  # type: ignore[union-attr]
    PlexFolder.objects.update(policy={"cache_days": 100_000})
    assert drain(submit("cleanup_plan", scope).job.pk).state == JobState.COMPLETED
    assert Run.objects.first().state == RunState.DROPPED and len(applied) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "scope",
    [
        *({}, {"run": 99}, {"run": "x"}, {"folder": 99, "steps": ["all"]}),
        *({"folder": "Plex", "steps": ["nope"]}, {"folder": "Plex", "steps": []}),
        {"folder": "Plex", "steps": ["all"], "rows": 1},
    ],
)
def test_a_scope_from_outside_is_checked(made: Sample, scope: dict[str, Any]) -> None:
    known(made.folder)
    with pytest.raises(UsageError):
        submit("cleanup_plan", scope)


def test_a_scope_gets_its_normal_form(made: Sample) -> None:
    folder = known(made.folder)
    for named in (str(folder.pk), "Plex", str(made.folder)):
        checked = plan_stages.KIND.check_scope({"folder": named, "steps": "cache", "prefixes": ["A", "all"]})
        assert checked == {"folder": folder.pk, "steps": ["cache"], "prefixes": ["a"]}
    assert [lane.key for lane in plan_stages.KIND.lanes({"folder": folder.pk})] == [f"plexfolder:{folder.pk}"]


def test_a_plan_whose_job_was_cancelled_can_be_dropped(made: Sample) -> None:
    started = services.plan(known(made.folder), ["all"])
    with pytest.raises(Conflict):
        services.drop(started.run, actor="me")
    Job.objects.update(state=JobState.CANCELED)
    assert services.drop(Run.objects.get(), actor="me").state == RunState.DROPPED


def test_titles_are_cut_and_odd_paths_are_kept(made: Sample) -> None:
    from cleanup.rules.base import Draft

    run = Run.objects.create(folder=known(made.folder))
    odd = "Metadata/Movies/\U0010dcff/x\\t"
    store.write(run.pk, "unit", [Draft(Klass.SELECTED, Action.UPDATE, title="a\0" * 200, item=1, old="'\"\\N")])
    store.write(run.pk, "unit", [Draft(Klass.UNUSED, Action.FILE, odd, ino=-5), Draft(Klass.TIDY, Action.FOLDER)])
    found = list(PlanRow.objects.order_by("pk"))
    assert found[0].title == "a " * 100 and found[0].old == "'\"\\N" and found[0].phase == 0
    assert (found[1].path, found[1].ino, found[1].item, found[1].outcome) == (odd, -5, None, Outcome.PLANNED)
    assert found[2].phase == 3 and connection.vendor
    store.erase(run.pk, "unit")
    assert not PlanRow.objects.exists()
