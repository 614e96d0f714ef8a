"""What an adversary tried on the way there and back: each of these lost something once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from cleanup import apply_values, quarantine_copy, services
from cleanup.choices import Outcome
from cleanup.models import PlanRow, Run
from cleanup.plexdata.entries import Entry
from cleanup.plexdata.methods import Busy, Failed, TriggersOff
from cleanup.plexdata.pms import Signs
from cleanup.plexdata.safe import Root
from cleanup.quarantine import place
from mediasync.core.errors import Transient
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import Source
from mediasync.jobs.models import Job

from .world import World


@pytest.fixture
def elsewhere(world: World) -> Iterator[Path]:
    """A quarantine on another file system."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == world.root.stat().st_dev:
        pytest.skip("there is no second file system")
    found = other / f"mediasync-adversary-{os.getpid()}"
    world.folder.quarantine_path = str(found)
    world.folder.save()
    yield found
    subprocess.run(["rm", "-rf", str(found)], check=True)


def cancel(run: Run) -> None:
    """Ask the job of a run to end, as the page of jobs does."""
    job = Job.objects.get(pk=Run.objects.get(pk=run.pk).job_id)
    jobs.cancel(job, actor="test", source=Source.WEB)


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_the_copy_from_before_the_first_write_outlives_the_way_back(world: World) -> None:
    run = world.apply()
    first = run.facts["backup"]
    assert sha256(first["path"]) == first["sha256"]
    run = world.restore(run)
    assert run.facts["backup"] == first and sha256(first["path"]) == first["sha256"]
    other = run.facts["backup_before_restore"]
    assert other["path"] != first["path"] and sha256(other["path"]) == other["sha256"]


def test_the_copy_from_before_the_first_write_outlives_a_second_job(world: World, monkeypatch: Any) -> None:
    run = world.accepted()
    apply = TriggersOff.apply

    def stopped(self: Any, batch: Any, seconds: float) -> Any:
        apply(self, batch[:1], seconds)
        cancel(run)
        time.sleep(2)  # until the request is seen
        raise Transient("the process dies here", code="died")

    monkeypatch.setattr(TriggersOff, "apply", stopped)
    run = world.apply(run)
    assert run.state == "applying" and world.job is not None and world.job.state == "canceled"
    first = run.facts["backup"]
    monkeypatch.setattr(TriggersOff, "apply", apply)
    run = world.apply(run)
    assert run.state == "applied"
    assert run.facts["backup"] == first and sha256(first["path"]) == first["sha256"]


def test_a_value_that_was_written_and_could_not_be_read_goes_back(world: World, monkeypatch: Any) -> None:
    values, tree = world.values(), world.tree()
    run = world.accepted()

    def unreadable(self: Any, places: Any) -> Any:
        raise Failed("disk I/O error")

    read = TriggersOff.read
    monkeypatch.setattr(TriggersOff, "read", unreadable)
    run = world.apply(run)
    assert world.values() != values and world.outcomes(run).get("error")
    monkeypatch.setattr(TriggersOff, "read", read)
    world.restore(run)
    assert world.values() == values and world.tree() == tree


def test_a_value_that_was_written_before_the_database_was_locked_goes_back(world: World, monkeypatch: Any) -> None:
    values, tree = world.values(), world.tree()
    run = world.accepted()
    monkeypatch.setattr(apply_values, "waiter", lambda ctx, clock: lambda seconds: None)
    monkeypatch.setattr("cleanup.apply_values.Values.attempts", 1)
    read = TriggersOff.read

    def locked(self: Any, places: Any) -> Any:
        raise Busy("database is locked")

    monkeypatch.setattr(TriggersOff, "read", locked)
    run = world.apply(run)
    assert world.values() != values and world.outcomes(run).get("locked")
    monkeypatch.setattr(TriggersOff, "read", read)
    world.restore(run)
    assert world.values() == values and world.tree() == tree


def test_a_file_that_another_process_put_away_at_the_same_moment_comes_back(world: World, monkeypatch: Any) -> None:
    tree = world.tree()
    run = world.accepted("movie:1")
    rename = Root.rename

    def twice(self: Root, rel: str, other: Root, to: str) -> None:
        rename(self, rel, other, to)
        if self.path == str(world.root):
            raise FileNotFoundError(2, "No such file or directory", rel)  # what the slower one of two sees

    monkeypatch.setattr(Root, "rename", twice)
    run = world.apply(run)
    monkeypatch.setattr(Root, "rename", rename)
    assert set(world.outcomes(run)) <= {"quarantined", "deleted", "skipped"}, world.outcomes(run)
    world.restore(run)
    assert world.tree() == tree


def test_a_bundle_that_got_a_new_file_while_it_was_removed_is_known_to_lie_there(
    world: World, elsewhere: Path, monkeypatch: Any
) -> None:
    run = world.accepted("bundle:metadata:1")
    bundle = world.sample.paths["orphan Movies"]
    before = {name: facts for name, facts in world.tree().items() if name.startswith(bundle + "/")}
    remove = quarantine_copy._remove

    def late(source: Root, path: str, target: Root, to: str) -> None:
        if path == bundle:
            (world.root / bundle / "Contents" / "new").write_bytes(b"of Plex")
        remove(source, path, target, to)

    monkeypatch.setattr(quarantine_copy, "_remove", late)
    run = world.apply(run)
    monkeypatch.setattr(quarantine_copy, "_remove", remove)
    assert (world.root / bundle / "Contents" / "new").read_bytes() == b"of Plex"
    row = world.row(run, bundle)
    assert row.outcome == Outcome.QUARANTINED, (row.outcome, row.reason)
    lying = Path(run.quarantine) / place("data", bundle)
    files = {name[len(bundle) + 1 :] for name, facts in before.items() if facts[0] == "file"}
    assert files and all((lying / name).is_file() or (world.root / bundle / name).is_file() for name in files)


def test_a_copy_never_takes_the_place_of_a_neighbour(tmp_path: Path) -> None:
    for here, there in (("near", "far"), ("far2", "near2")):
        (tmp_path / here).mkdir()
        (tmp_path / there).mkdir()
        (tmp_path / there / "x.part").write_bytes(b"somebody's")
        (tmp_path / here / "x").write_bytes(b"ours")
        with Root(str(tmp_path / here)) as source, Root(str(tmp_path / there)) as target:
            entry = source.lstat("x")
            assert isinstance(entry, Entry)
            quarantine_copy.move(source, "x", entry, target, "x")
        assert sorted(os.listdir(tmp_path / there)) == ["x", "x.part"]
        assert (tmp_path / there / "x.part").read_bytes() == b"somebody's"


def test_a_name_of_255_bytes_goes_to_another_file_system(tmp_path: Path) -> None:
    (tmp_path / "near").mkdir()
    (tmp_path / "far").mkdir()
    name = "n" * 255
    (tmp_path / "near" / name).write_bytes(b"ours")
    with Root(str(tmp_path / "near")) as source, Root(str(tmp_path / "far")) as target:
        entry = source.lstat(name)
        assert isinstance(entry, Entry)
        quarantine_copy.move(source, name, entry, target, name)
    assert os.listdir(tmp_path / "far") == [name] and not os.listdir(tmp_path / "near")


def test_a_file_whose_digest_changed_in_the_quarantine_does_not_go_back(world: World) -> None:
    world.policy(checksum=True)
    run = world.apply(None, "movie:1")
    path = world.sample.paths["film poster unused"]
    lying = Path(run.quarantine) / place("data", path)
    facts = lying.stat()
    lying.write_bytes(b"x" * facts.st_size)
    os.utime(lying, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    run = world.restore(run)
    assert not world.there(path)
    assert world.row(run, path).reason == "quarantine_changed"


@pytest.mark.parametrize("how", ["gone", "half", "rubbish"])
def test_folders_come_back_whatever_became_of_the_manifest(world: World, how: str) -> None:
    tree = world.tree()
    run = world.apply()
    manifest = Path(run.quarantine) / "manifest.jsonl"
    if how == "gone":
        manifest.unlink()
    elif how == "half":
        os.truncate(manifest, manifest.stat().st_size // 2)
    else:
        lines = manifest.read_bytes().replace(b'"mode":', b'"mode":"x","was":').replace(b'"row":', b'"path":[],"row":')
        manifest.write_bytes(b"\xff\xfe\x00{[\n[1]\n" + b"[" * 100_000 + b"\n" + lines)
    run = world.restore(run)
    assert run.state == "restored" and world.job is not None and world.job.state == "completed", world.job.__dict__
    kinds = {name: facts if facts[0] != "folder" else "folder" for name, facts in world.tree().items()}
    assert kinds == {name: facts if facts[0] != "folder" else "folder" for name, facts in tree.items()}


def test_a_folder_removed_just_before_the_end_comes_back_whatever_job_goes_on(world: World, monkeypatch: Any) -> None:
    tree = world.tree()
    run = world.accepted()
    from cleanup import apply_stages

    remove = apply_stages.apply_files.remove_folders

    def dies(*args: Any) -> Any:
        remove(*args)
        cancel(run)
        time.sleep(2)  # until the request is seen
        raise Transient("the process dies here", code="died")

    monkeypatch.setattr(apply_stages.apply_files, "remove_folders", dies)
    run = world.apply(run)
    assert run.state == "applying" and world.job is not None and world.job.state == "canceled"
    monkeypatch.setattr(apply_stages.apply_files, "remove_folders", remove)
    run = world.apply(run)
    assert run.state == "applied" and world.outcomes(run)["deleted"] > 0
    world.restore(run)
    assert world.tree() == tree


def test_a_run_without_a_quarantine_looks_for_none_where_the_process_was_started(
    world: World, monkeypatch: Any, tmp_path: Path
) -> None:
    run = world.accepted("movie:1")
    path = world.sample.paths["film poster unused"]
    forged = tmp_path / "somewhere" / place("data", path)
    forged.parent.mkdir(parents=True)
    shutil.copy2(world.root / path, forged)
    (world.root / path).unlink()
    Run.objects.filter(pk=run.pk).update(state="applying")
    monkeypatch.chdir(tmp_path / "somewhere")
    run = world.restore(Run.objects.get(pk=run.pk))
    assert run.state == "restored" and not world.there(path) and forged.exists()
    assert set(PlanRow.objects.filter(run=run, phase=1).values_list("outcome", flat=True)) == {"skipped"}


def test_nothing_is_put_back_into_another_data_folder(world: World, tmp_path: Path) -> None:
    from tests.cleanup.plexfolder import sample

    run = world.apply()
    other = sample.make(tmp_path / "other")
    world.folder.path = str(other.folder)
    world.folder.save()
    before = sorted(str(path) for path in other.folder.rglob("*"))
    world.restore(run)
    assert sorted(str(path) for path in other.folder.rglob("*")) == before
    world.folder.path = str(world.root)
    world.folder.save()
    assert world.job is not None and world.job.reason_code == "cleanup_other_folder"
    Job.objects.filter(pk=world.job.pk).update(state="canceled")
    assert world.restore(Run.objects.get(pk=run.pk)).state == "restored"


def test_a_quarantine_of_a_run_that_never_ended_expires_as_well(world: World, monkeypatch: Any) -> None:
    run = world.accepted()
    from cleanup import apply_stages

    remove = apply_stages.apply_files.remove_folders

    def dies(*args: Any) -> Any:
        cancel(run)
        time.sleep(2)  # until the request is seen
        raise Transient("the process dies here", code="died")

    monkeypatch.setattr(apply_stages.apply_files, "remove_folders", dies)
    run = world.apply(run)
    monkeypatch.setattr(apply_stages.apply_files, "remove_folders", remove)
    row = world.row(run, world.sample.paths["film poster unused"])
    run = world.restore(run, [row.pk])
    assert run.state == "applied" and run.quarantine and run.expires_at is not None


def test_a_purge_of_what_is_put_back_at_this_moment_is_refused(world: World) -> None:
    run = world.apply()
    started = services.restore(run)
    other = services.purge(run)  # both were asked for while the run was applied
    from mediasync.jobs.drain import drain

    drain(started.job.pk)
    drain(other.job.pk)
    assert not world.lost() and world.there("film poster") and world.there("film poster unused")


def test_a_locked_database_stops_neither_the_way_back_of_files_nor_loses_values(world: World, monkeypatch: Any) -> None:
    values, tree = world.values(), world.tree()
    run = world.apply()
    monkeypatch.setattr("cleanup.restore_stages.waiter", lambda ctx, clock: lambda seconds: None)
    monkeypatch.setattr("cleanup.restore_stages.Values.attempts", 1)
    from cleanup.plexdata.writer import open_writer

    kept = dict(open_writer.__kwdefaults__ or {})
    monkeypatch.setattr("cleanup.plexdata.writer.open_writer.__kwdefaults__", {**kept, "busy_ms": 1})
    holder = apsw.Connection(str(world.sample.plex.database))
    holder.execute("BEGIN IMMEDIATE")
    run = world.restore(run)
    holder.execute("ROLLBACK")
    holder.close()
    assert not world.lost()
    run = world.restore(run)
    assert world.values() == values and world.tree() == tree and run.state == "restored"


def test_whoever_asks_again_makes_a_paused_job_go_on(world: World, signs: dict[str, Signs]) -> None:
    values, tree = world.values(), world.tree()
    world.policy(live_deletes=False)
    signs["now"] = Signs(True, ("identity",), True)
    run = world.apply()
    assert world.job is not None and (world.job.state, world.job.reason_code) == ("paused", "cleanup_plex_runs")
    signs["now"] = Signs(False)
    run = world.apply(run)
    assert run.state == "applied" and world.job.state == "completed"
    signs["now"] = Signs(True, ("identity",), True)
    run = world.restore(run)
    assert world.job.state == "paused" and run.state == "restoring"
    signs["now"] = Signs(False)
    assert world.restore(run).state == "restored"
    assert world.values() == values and world.tree() == tree
