"""``manage.py cleanup_plex``: carrying a plan out, the way back, and deleting for good."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from cleanup.models import PlanRow, Run
from mediasync.jobs.models import Job
from tests.installation import wait_for

from . import facing

pytestmark = pytest.mark.django_db
STEPS = ["--step", "all"]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> facing.Sample:
    made = facing.build(tmp_path)
    facing.known(made)
    return made


def answers(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Sit at a terminal and type these lines."""
    typed = iter(lines)
    monkeypatch.setattr("builtins.input", lambda question: next(typed))
    monkeypatch.setattr("cleanup.management.commands.cleanup_plex.Command._terminal", lambda self: True)


def test_it_goes_the_whole_way(made: facing.Sample) -> None:
    before = facing.tree(made.folder)
    facts, code = facing.document(*STEPS, "--apply", "--yes")
    plan, applied = facts["runs"]
    assert code == 0, facts
    assert plan["state"] == "planned" and applied["state"] == "applied" and plan["planned"]["files"] > 10
    assert applied["report"]["sums"]["in_quarantine"] > 0 and applied["expires_at"]
    after = facing.tree(made.folder)
    assert len(before) - len(after) >= plan["planned"]["files"]

    text, code = facing.command("--restore", plan["run"], "--yes")
    assert code == 0 and "Restored" in text
    assert facing.tree(made.folder) == before, "byte for byte"

    facts, code = facing.document(*STEPS, "--apply", "--yes")
    again = facts["runs"][1]
    assert code == 0 and again["run"] != plan["run"] and facing.tree(made.folder) == after
    text, code = facing.command("--purge", again["run"], "--yes")
    assert (
        code == 0
        and "Deleted for good" in text
        and "Deleted for good from" not in text
        and not Path(again["quarantine"]).exists()
    )
    assert facing.tree(made.folder) == after


def test_a_plan_waits_and_is_carried_out_by_its_number(made: facing.Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    facing.command(*STEPS)
    run = Run.objects.get()
    files = run.facts["sums"]["files"]
    answers(monkeypatch, str(files + 1))
    text, code = facing.command("--apply", run.pk)
    assert code == 4 and "Nothing was done" in text and Run.objects.get().state == "planned"
    answers(monkeypatch, f" {files} ")
    text, code = facing.command("--apply", run.pk)
    run.refresh_from_db()
    assert code == 0 and run.state == "applied" and "In quarantine" in text
    assert run.accepted_by and run.accepted_at
    assert facing.command("--apply", run.pk, "--yes")[1] == 4, "it is done"
    answers(monkeypatch, "n")
    assert facing.command("--restore", run.pk)[1] == 4 and Run.objects.get().state == "applied"


def test_it_wants_to_be_asked_twice_where_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facing.known(facing.build(tmp_path), delete_at_once=True)
    text, code = facing.command("--step", "cache", "--apply", "--yes")
    assert code == 2 and "--yes --yes" in text and not Run.objects.exists()
    facing.command("--step", "cache")
    run = Run.objects.get()
    assert facing.command("--apply", run.pk, "--yes")[1] == 2
    answers(monkeypatch, str(run.facts["sums"]["files"]), "n")
    assert facing.command("--apply", run.pk)[1] == 4 and Run.objects.get().state == "planned"
    answers(monkeypatch, str(run.facts["sums"]["files"]), "y")
    assert facing.command("--apply", run.pk)[1] == 0
    run.refresh_from_db()
    assert run.state == "purged" and not PlanRow.objects.filter(outcome="quarantined").exists()


def test_it_asks_nobody_who_is_not_there(made: facing.Sample) -> None:
    facing.command(*STEPS)
    run = Run.objects.get()
    for words in (["--apply", run.pk], ["--restore", run.pk], ["--purge", run.pk]):
        text, code = facing.command(*words)
        assert code == 2 and "--yes" in text
    assert Run.objects.get().state == "planned"


def test_it_leaves_a_plan_with_nothing_in_it(made: facing.Sample) -> None:
    facing.command("--step", "cache", "--apply", "--yes")
    text, code = facing.command("--step", "cache", "--apply", "--yes")
    assert code == 0 and "There is nothing to do" in text
    assert list(Run.objects.values_list("state", flat=True)) == ["dropped", "applied"]


def test_it_purges_what_is_due(made: facing.Sample) -> None:
    facing.command("--step", "cache", "--apply", "--yes")
    text, code = facing.command("--purge", "--yes")
    assert code == 0 and "No quarantine is due" in text
    Run.objects.update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    text, code = facing.command("--purge", "--yes", "--folder", "Plex")
    assert code == 0 and Run.objects.get().state == "purged"


def test_a_run_that_was_not_applied_is_neither_restored_nor_purged(made: facing.Sample) -> None:
    facing.command(*STEPS)
    run = Run.objects.get()
    for word in ("--restore", "--purge"):
        text, code = facing.command(word, run.pk, "--yes")
        assert code == 4 and "planned" in text
    assert not Job.objects.exclude(kind="cleanup_plan").exists()


def test_it_waits_for_a_person_while_plex_runs(made: facing.Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleanup import apply_signals
    from cleanup.plexdata.pms import Signs

    running = Signs(True, ("identity",), True)
    monkeypatch.setattr(apply_signals, "look", lambda folder, database, now: running)
    folder = Run.folder.field.related_model.objects.get()
    folder.policy = folder.policy | {"live_deletes": False}
    folder.save()
    facts, code = facing.document("--step", "movie:1", "--apply", "--yes")
    assert code == 6 and facts["runs"][1]["job_reason"] == "cleanup_plex_runs"
    facts, code = facing.document()
    assert facts["plex"]["running"] and facts["plex"]["why"] == ["identity"]


def begun(database: Path) -> bool:
    """Tell whether a job has begun there."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as con:
        return bool(con.execute("SELECT count(*) FROM jobs_job WHERE state = 'running'").fetchone()[0])


def shell(data: Path, *words: str, **options: Any) -> subprocess.Popen[str]:
    """Run a command in a process of its own, with an installation of its own."""
    environment = {
        **os.environ,
        "MEDIASYNC_DATA": str(data),
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
    }
    environment.pop("DATABASE_URL", None)
    here = Path(__file__).resolve().parents[2]
    command = [sys.executable, str(here / "manage.py"), *words]
    return subprocess.Popen(command, env=environment, cwd=here, text=True, **options)


@pytest.mark.slow
def test_ctrl_c_stops_at_a_safe_point_and_the_next_one_goes_on(tmp_path: Path) -> None:
    from tests.cleanup.plexfolder import big

    (tmp_path / "data").mkdir()
    big.build(tmp_path / "plex", bundles=2500, files=25_000)  # some seconds of work
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    assert shell(tmp_path / "data", "migrate", stdout=subprocess.DEVNULL).wait(120) == 0
    words = ("cleanup_plex", "--add", "--folder", str(tmp_path / "plex"))
    assert shell(tmp_path / "data", *words, stdout=subprocess.DEVNULL).wait(120) == 0
    process = shell(tmp_path / "data", "cleanup_plex", "--step", "all", **pipes)
    wait_for(lambda: begun(tmp_path / "data" / "mediasync.sqlite3") or process.poll() is not None, 90)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "Stopped" in out, (out, err)
    again = shell(tmp_path / "data", "cleanup_plex", "--step", "all", **pipes)
    out, err = again.communicate(timeout=120)
    assert again.returncode in (0, 4), (out, err)


def test_it_draws_what_the_job_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from cleanup.management.working import show
    from mediasync.core.clock import FakeClock
    from mediasync.core.progress import ProgressLine
    from mediasync.jobs.snapshots import Snapshot

    clock, out = FakeClock(), io.StringIO()
    line = ProgressLine(out, clock=clock, terminal=True)
    clock.advance(60)
    show(line, "Plex", Snapshot(1, "find", "Find", False, 10, True, 4, 1, 0, 1.0, "Movies/0", 0, {"rows": 1200}))
    assert "50%" in out.getvalue() and "Find 5/10" in out.getvalue() and "Movies/0" in out.getvalue()
    clock.advance(60)
    show(line, "Plex", Snapshot(1, "find", "Find", False, 10, True, 4, 1, 0, 1.0, state="queued"))
    assert "waiting for its turn" in out.getvalue()
