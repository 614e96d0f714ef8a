from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mediasync.core.clock import FakeClock
from mediasync.core.progress import ProgressLine
from mediasync.jobs import asking
from mediasync.jobs.models import Job
from mediasync.jobs.snapshots import Snapshot
from monitors.management import report
from monitors.models import Change, Directory, File, Root

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("Movies/A/a.mkv", "Movies/B/b.mkv", "TV/c.mkv"):
        (tmp_path / "media" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "media" / name).write_text("x")
    return tmp_path / "media"


def crawl(*words: Any, **options: Any) -> tuple[str, int]:
    """Return what the command wrote and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("crawl", *map(str, words), stdout=out, stderr=io.StringIO(), **options)
    except CommandError as error:
        return str(error), error.returncode
    except SystemExit as ended:
        code = int(ended.code or 0)
    return out.getvalue(), code


def summary(*words: Any) -> dict[str, Any]:
    text, _code = crawl(*words, "--json")
    [found] = json.loads(text)["jobs"]
    assert isinstance(found, dict)
    return found


def test_it_says_how_to_begin() -> None:
    text, code = crawl()
    assert code == 2 and "crawl --add" in text


def test_it_makes_a_root_of_a_path_and_crawls_it(tree: Path) -> None:
    text, code = crawl(tree)
    assert code == 2 and f"crawl --add {tree}" in text and not Root.objects.exists()
    text, code = crawl("--add", tree)
    assert code == 0 and "media: Completed" in text and "3 files" in text
    assert File.objects.count() == 3 and not Change.objects.exists(), "the first crawl is silent"
    assert Root.objects.get().baseline_at
    text, code = crawl("--add", tree)
    assert code == 0 and Root.objects.count() == 1, "it may be said again"


def test_a_dry_run_adds_no_root(tree: Path) -> None:
    text, code = crawl("--add", "--dry-run", tree)
    assert code == 2 and "dry run" in text and not Root.objects.exists()


def test_a_job_says_why_its_root_cannot_be_used(tree: Path) -> None:
    crawl("--add", tree)
    tree.rename(tree.with_name("away"))
    found = summary()
    assert (found["state"], found["reason"]) == ("failed", "guard_missing")
    assert found["reason_text"] == "The folder is not there" == found["problems"][0]["text"]
    assert "The folder is not there" in crawl()[0]


def test_it_announces_the_first_crawl_if_asked(tree: Path) -> None:
    crawl("--add", "--announce", tree)
    assert Change.objects.filter(kind="added").count() == 3


def test_it_counts_what_changed(tree: Path) -> None:
    crawl("--add", tree)
    (tree / "Movies/A/a.mkv").unlink()
    (tree / "Movies/B").rename(tree / "Movies/Beta")
    (tree / "TV/d.mkv").write_text("new")
    found = summary()
    assert {name: found[name] for name in ("added", "removed", "moved", "held", "errors", "state")} == {
        "added": 1,
        "removed": 1,
        "moved": 1,
        "held": 0,
        "errors": 0,
        "state": "completed",
    }
    text, _code = crawl()
    assert "0 added, 0 modified, 0 removed, 0 moved" in text


@pytest.mark.parametrize("word", ["{tree}/TV", "{tree}/TV/c.mkv", "{tree}/TV/none"])
def test_it_looks_only_at_a_part(tree: Path, word: str) -> None:
    crawl("--add", tree)
    for folder in ("TV", "Movies/A"):
        (tree / folder / "new.mkv").write_text("x")
    assert summary(word.format(tree=tree))["added"] == 1
    assert summary("media")["added"] == 1


def test_it_takes_a_relative_path(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl("--add", tree)
    (tree / "TV/new.mkv").write_text("x")
    monkeypatch.chdir(tree)
    assert summary("./TV")["added"] == 1


def test_it_writes_nothing_in_a_dry_run(tree: Path) -> None:
    crawl("--add", tree)
    (tree / "TV/new.mkv").write_text("x")
    text, code = crawl("--dry-run")
    assert code == 0 and "1 added" in text and "nothing was written" in text
    assert File.objects.count() == 3


def test_it_lists_everything_in_a_full_crawl(tree: Path) -> None:
    for folder in (tree, tree / "TV", tree / "Movies"):
        os.utime(folder, (1_000_000_000, 1_000_000_000))  # what is older than a moment is believed
    crawl("--add", tree)
    (tree / "TV/c.mkv").write_text("longer")
    assert summary()["modified"] == 0
    assert summary("--full")["modified"] == 1


def test_it_says_why_a_root_is_down(tree: Path) -> None:
    crawl("--add", tree)
    tree.rename(tree.with_name("elsewhere"))
    text, code = crawl()
    assert code in (1, 3) and "The folder is not there" in text
    assert File.objects.count() == 3 and Root.objects.get().guard == "down"


def test_it_says_what_is_held(tree: Path) -> None:
    crawl("--add", tree)
    Root.objects.update(max_removed_count=0)
    (tree / "TV/c.mkv").unlink()
    text, _code = crawl()
    assert "1 held" in text and "“Held”" in text


def test_it_does_not_know_a_name() -> None:
    Root.objects.create(name="TV", path="/tv")
    text, code = crawl("TW")
    assert code == 5 and "There are: TV" in text


def test_it_leaves_it_to_the_worker(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl("--add", tree)
    monkeypatch.setattr(asking, "worker_there", lambda: True)
    text, code = crawl("--enqueue", "--full")
    job = Job.objects.latest("pk")
    assert (code, job.state, job.kind) == (0, "queued", "crawl") and f"#{job.pk} media" in text
    text, code = crawl("--enqueue", "--full", "--json")
    assert json.loads(text) == {"jobs": [{"job": job.pk, "root": "media"}]}


def test_it_needs_a_worker_to_follow(tree: Path) -> None:
    crawl("--add", tree)
    text, code = crawl("--follow")
    assert code == 75 and "No worker" in text


def test_it_follows_to_the_end(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediasync.jobs.drain import drain

    crawl("--add", tree)
    monkeypatch.setattr(asking, "worker_there", lambda: True)
    events = asking.events

    def worked(job: Job) -> Any:
        drain(job.pk)
        return events(job)

    monkeypatch.setattr(asking, "events", worked)
    text, code = crawl("--follow")
    assert code == 0 and "Started" in text and "media: Completed" in text


def test_it_shows_folders_files_rate_and_place() -> None:
    stream, clock = io.StringIO(), FakeClock()
    line = ProgressLine(stream, clock=clock, terminal=True)
    clock.advance(10)
    root = Root(name="TV", directories=200)
    numbers = {"directories": 50.0, "files": 1000.0}
    report.show(line, root, Snapshot(1, "crawl", "", False, 1, True, 0, 0, 0, 0.0, "Show\\x0a", numbers=numbers))
    shown = stream.getvalue()
    assert "25%" in shown and "TV: 50 folders, 1\u202f000 files, 100/s" in shown and "Show" in shown
    clock.advance(1)
    report.show(line, root, Snapshot(1, "crawl", "", False, 1, True, 0, 0, 0, 0.0, state="queued"))
    assert "waiting for its turn" in stream.getvalue()


def test_it_counts_hostile_names(tmp_path: Path) -> None:
    base = os.fsencode(tmp_path) + b"/m\xff\n"
    os.makedirs(base + b"/d\xfe")
    for name in (b"a\nb.mkv", b"\xff.mkv", b"x" * 251 + b".mkv"):
        Path(os.fsdecode(base + b"/d\xfe/" + name)).touch()
    found = summary("--add", os.fsdecode(base))
    assert (found["files"], found["errors"], found["state"]) == (3, 0, "completed")
    assert Directory.objects.count() == 2


def test_it_says_that_there_is_no_database_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
        "MEDIASYNC_DATA": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
    }
    (tmp_path / "data").mkdir()
    manage = [sys.executable, "manage.py"]
    answer = subprocess.run([*manage, "crawl"], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 2 and "manage.py migrate" in answer.stderr
    for n in range(3000):
        (tmp_path / f"media/{n % 50}/{n}").mkdir(parents=True)
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
    process = subprocess.Popen([*manage, "crawl", "--add", str(tmp_path / "media")], env=environment)
    time.sleep(0.15)  # anywhere: before, in the middle or at the end
    process.send_signal(signal.SIGINT)
    assert process.wait(60) in (0, 130, -2, 1)
    again = subprocess.run(
        [*manage, "crawl", "--add", "--json", str(tmp_path / "media")], env=environment, capture_output=True
    )
    assert again.returncode == 0 and json.loads(again.stdout)["jobs"][0]["directories"] == 3051
