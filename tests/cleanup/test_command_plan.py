"""``manage.py cleanup_plex``: looking and planning, which change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanup import folders
from cleanup.models import PlanRow, PlexFolder, Run
from mediasync.jobs.models import Job

from . import facing

pytestmark = pytest.mark.django_db


def test_it_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders.places, "find", list)
    text, code = facing.command()
    assert code == 2 and "cleanup_plex --add --folder PATH" in text
    made = facing.build(tmp_path)
    monkeypatch.setattr(folders.places, "find", lambda: [str(made.folder)])
    text, code = facing.command()
    assert code == 2 and f'cleanup_plex --add --folder "{made.folder}"' in text and not PlexFolder.objects.exists()
    text, code = facing.command("--add", "--folder", made.folder)
    assert code == 0 and PlexFolder.objects.get().path == str(made.folder)
    assert facing.command("--add", "--folder", made.folder)[1] == 0 and PlexFolder.objects.count() == 1


def test_it_adds_no_folder_that_is_none(tmp_path: Path) -> None:
    text, code = facing.command("--add", "--folder", tmp_path)
    assert code == 2 and "Metadata" in text and not PlexFolder.objects.exists()
    assert facing.command("--add", "--folder", "relative/path")[1] == 2


def test_it_looks_and_changes_nothing(tmp_path: Path) -> None:
    made = facing.build(tmp_path)
    facing.known(made)
    before = facing.tree(tmp_path)
    text, code = facing.command("--sizes")
    assert code == 0, text
    assert "Metadata/Movies" in text and "bundles" in text and "G2" in text and "files" in text
    facts, code = facing.document()
    assert code == 0 and facts["folder"] == "Plex" and facts["database"]["columns"] and "sizes" not in facts
    assert facing.tree(tmp_path) == before and not Job.objects.exists()


def test_it_says_what_a_folder_lacks(tmp_path: Path) -> None:
    made = facing.build(tmp_path)
    facing.known(made)
    (made.folder / "Metadata").rename(made.folder / "Elsewhere")
    text, code = facing.command()
    assert code == 4 and "Metadata" in text


def test_a_dry_run_is_a_plan(tmp_path: Path) -> None:
    made = facing.build(tmp_path)
    facing.known(made)
    before = facing.tree(tmp_path)
    text, code = facing.command("--step", "all")
    assert code == 0, text
    run = Run.objects.get()
    assert run.state == "planned" and f"--apply {run.pk}" in text and run.steps == ["all"]
    assert "Images that are not selected" in text and "Together:" in text
    facts, code = facing.document("--dry-run", "--step", "movie:1", "--step", "cache", "--prefix", "0", "--limit", 3)
    [found] = facts["runs"]
    assert code == 0 and found["filters"] == {"prefixes": ["0"], "limit": 3} and found["state"] == "planned"
    assert found["planned"]["rows"] <= 3
    assert facing.tree(tmp_path) == before


def test_a_plan_above_its_limit_is_refused_with_the_figure(tmp_path: Path) -> None:
    facing.known(facing.build(tmp_path), most_files=1)
    text, code = facing.command("--apply", "--step", "movie:1", "--yes")
    assert code == 4 and "the limit of one run is 1" in text
    assert Run.objects.get().state == "refused" and not Job.objects.filter(kind="cleanup_apply").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--step", "film:1"], "film:1"),
        (["--dry-run"], "movie:1"),
        (["--apply"], "movie:1"),
        (["--step", "movie:1", "--prefix", "z"], "0 to f"),
        (["--step", "movie:1", "--prefix", ".."], "0 to f"),
        (["--step", "movie:1", "--type", "../Movies"], "no type"),
        (["--step", "movie:1", "--section", "x"], "invalid int"),
        (["--step", "movie:1", "--limit", "-1"], "number"),
        (["--folder", "Nothing", "--step", "all"], "no data folder"),
        (["--step", "uploads", "--apply", "--restore", "1"], "not allowed with"),
        (["--step", "movie:1", "--apply"], "--yes"),
        (["--prefix", "0"], "--step"),
        (["--limit", "5", "--type", "Movies", "--dry-run"], "--step"),
        (["--apply", "1", "--step", "cache", "--yes"], "--step"),
        (["--restore", "1", "--section", "2", "--yes"], "--section"),
        (["--purge", "--prefix", "0", "--yes"], "--prefix"),
    ],
)
def test_it_says_what_it_was_asked_wrongly(tmp_path: Path, words: list[str], said: str) -> None:
    facing.known(facing.build(tmp_path))
    text, code = facing.command(*words)
    assert code in (1, 2) and said in text, text
    assert not PlanRow.objects.exists() and not Job.objects.exists()


def test_it_wants_to_know_which_of_several(tmp_path: Path) -> None:
    facing.known(facing.build(tmp_path / "one"))
    other = facing.build(tmp_path / "two")
    PlexFolder.objects.create(name="Second", path=str(other.folder))
    text, code = facing.command("--step", "cache")
    assert code == 2 and "Plex, Second" in text
    assert facing.command("--step", "cache", "--folder", "Second")[1] == 0
    assert facing.command("--step", "cache", "--folder", other.folder)[1] == 0
    assert set(Run.objects.values_list("folder__name", flat=True)) == {"Second"}


def test_it_works_on_no_run_of_another_folder(tmp_path: Path) -> None:
    """Whoever names a folder and a run means both."""
    facing.known(facing.build(tmp_path / "one"))
    other = facing.build(tmp_path / "two")
    PlexFolder.objects.create(name="Second", path=str(other.folder))
    assert facing.command("--step", "cache", "--folder", "Plex")[1] == 0
    run = Run.objects.get()
    for way in ("--apply", "--restore", "--purge"):
        text, code = facing.command(way, run.pk, "--folder", "Second", "--yes")
        assert code == 2 and "of Plex, not of Second" in text
        assert facing.command(way, run.pk, "--folder", "Nothing", "--yes")[1] == 2
    assert facing.command("--apply", run.pk, "--folder", "Plex", "--yes")[1] == 0
    assert Run.objects.get().state == "applied"


def test_it_offers_no_plan_with_nothing_in_it(tmp_path: Path) -> None:
    facing.known(facing.build(tmp_path))
    text, code = facing.command("--step", "movie:1", "--section", "9999")
    assert code == 0 and "There is nothing to do." in text and "--apply" not in text


def test_it_knows_no_run_that_is_none() -> None:
    for words in (["--apply", 7], ["--restore", 7], ["--purge", 7]):
        assert facing.command(*words, "--yes")[1] == 5
