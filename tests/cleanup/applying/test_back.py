"""The way back of some rows, what is in the way, and what is deleted for good."""

from __future__ import annotations

import datetime as dt

import pytest

from cleanup import expiry, services
from cleanup.choices import Outcome
from cleanup.models import PlanRow, Run
from mediasync.core.errors import UsageError
from mediasync.jobs.models import Job

from .world import World


def test_a_value_goes_back_with_the_file_that_it_names(world: World) -> None:
    run = world.apply()
    item = world.sample.items["film"].id
    update = PlanRow.objects.get(run=run, item=item, column="user_thumb_url")
    run = world.restore(run, [update.pk])
    assert run.state == "applied", "the rest still lies in the quarantine"
    assert world.there("film poster") and not world.there("film poster unused")
    assert world.values()[item, "user_thumb_url"] == world.sample.values["film poster"]
    assert not world.lost()


def test_an_older_agents_value_goes_back_with_its_link_and_what_that_leads_to(world: World) -> None:
    run = world.apply()
    item = world.sample.items["legacy film"].id
    update = PlanRow.objects.get(run=run, item=item, column="user_thumb_url")
    world.restore(run, [update.pk])
    stored = world.sample.legacy["stored"]
    assert (world.root / stored.link).read_bytes() == (world.root / stored.stored).read_bytes()
    assert not world.lost()


def test_one_file_goes_back_alone(world: World) -> None:
    run = world.apply()
    row = world.row(run, world.sample.paths["film poster unused"])
    values = world.values()
    run = world.restore(run, [row.pk])
    assert world.there("film poster unused") and not world.there("film logo unused")
    assert world.values() == values
    assert world.restore(run).state == "restored"


def test_it_puts_back_no_row_of_another_run(world: World) -> None:
    run = world.apply()
    other = PlanRow.objects.create(run=Run.objects.create(folder=world.folder), phase=1, klass="unused", action="file")
    with pytest.raises(UsageError):
        services.restore(run, [other.pk])


def test_it_never_overwrites_what_plex_has_made_again(world: World) -> None:
    run = world.apply()
    path = world.root / world.sample.paths["film poster unused"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"loaded again")
    run = world.restore(run)
    assert path.read_bytes() == b"loaded again"
    row = world.row(run, world.sample.paths["film poster unused"])
    assert (row.outcome, row.reason) == (Outcome.QUARANTINED, "place_taken")
    assert run.report["left"] == 1 and run.quarantine
    path.unlink()
    run = world.restore(run)
    assert path.is_file() and run.quarantine == ""


def test_a_value_that_changed_since_is_left_alone(world: World) -> None:
    run = world.apply()
    world.set("film", "user_thumb_url", "upload://posters/mine")
    run = world.restore(run)
    assert world.values()[world.sample.items["film"].id, "user_thumb_url"] == "upload://posters/mine"
    update = PlanRow.objects.get(run=run, item=world.sample.items["film"].id, column="user_thumb_url")
    assert update.outcome == Outcome.DB_CHANGED


def test_a_value_never_goes_back_to_a_file_that_is_gone(world: World) -> None:
    run = world.apply()
    row = world.row(run, world.sample.paths["film poster"])
    (world.root / "mediasync-quarantine").rename(world.path / "lost")
    world.restore(run)
    assert world.job is not None and world.job.state in ("paused", "completed_with_errors")
    assert world.job.reason_code in ("cleanup_folder_gone", "")
    item = world.sample.items["film"].id
    assert world.values()[item, "user_thumb_url"] == world.sample.urls["film poster"]
    assert row.outcome == Outcome.QUARANTINED and not world.lost()


def test_what_is_changed_in_the_quarantine_does_not_go_back(world: World) -> None:
    run = world.apply()
    path = world.sample.paths["film poster unused"]
    from pathlib import Path

    from cleanup.quarantine import place

    (Path(run.quarantine) / place("data", path)).write_bytes(b"forged")
    run = world.restore(run)
    assert not world.there(path)
    assert world.row(run, path).reason == "quarantine_changed"


def test_a_purge_puts_back_what_is_named_again(world: World) -> None:
    run = world.apply()
    world.set("film", "user_art_url", world.sample.values["film art unused"])
    world.set("legacy film", "user_thumb_url", world.sample.legacy["unused"].value)
    run = world.purge(run)
    assert run.state == "purged"
    assert world.there("film art unused")
    assert (world.root / world.sample.legacy["unused"].link).read_bytes()
    assert world.row(run, world.sample.paths["film art unused"]).outcome == Outcome.RESTORED
    assert not world.lost()


def test_a_purge_of_a_bundle_that_plex_made_anew_keeps_what_only_the_old_one_has(world: World) -> None:
    from .world import write

    bundle = world.sample.paths["orphan Movies"]
    upload = world.sample.plex.file(f"{bundle}/Uploads/posters/mine")
    run = world.apply()
    assert not world.there("orphan Movies")
    (world.root / bundle / "Contents").mkdir(parents=True)
    digest = bundle.split("/")[2] + bundle.split("/")[3][:39]
    item = world.sample.items["done"].id
    query = "UPDATE metadata_items SET hash=?, user_thumb_url='upload://posters/mine' WHERE id=?"
    write(world.sample.plex.database, query, digest, item)
    run = world.purge(run)
    row = world.row(run, bundle)
    assert row.outcome == Outcome.QUARANTINED and run.state == "applied"
    import shutil

    shutil.rmtree(world.root / bundle)
    world.purge(run)
    assert (world.root / upload).is_file()


def test_a_purge_without_its_database_deletes_nothing(world: World) -> None:
    run = world.apply()
    tree = world.tree()
    from .world import write

    write(world.sample.plex.database, "UPDATE metadata_items SET hash=NULL")
    run = world.purge(run)
    assert world.job is not None and world.job.state == "failed"
    assert world.tree() == tree and run.state == "applied"


def test_what_lies_foreign_in_a_quarantine_stays(world: World) -> None:
    from pathlib import Path

    run = world.apply()
    (Path(run.quarantine) / "data" / "mine.txt").write_text("mine")
    run = world.purge(run)
    assert (Path(run.quarantine) / "data" / "mine.txt").read_text() == "mine"
    assert run.report["clean"] is False


def test_a_quarantine_whose_days_are_over_is_deleted(world: World) -> None:
    run = world.apply()
    assert run.expires_at is not None
    assert expiry.purge_due(run.expires_at - dt.timedelta(hours=1)) == 0
    assert expiry.purge_due(run.expires_at + dt.timedelta(hours=1)) == 1
    assert Job.objects.filter(kind="cleanup_purge").count() == 1


def test_nothing_stays_where_the_policy_wants_no_quarantine(world: World) -> None:
    world.policy(delete_at_once=True)
    run = world.apply()
    assert run.state == "purged" and world.outcomes(run).get("quarantined", 0) == 0
    assert not (world.root / "mediasync-quarantine").exists()
    assert not world.lost()


def test_only_cached_pictures_go_at_once_where_the_policy_says_so(world: World) -> None:
    world.policy(cache_at_once=True)
    run = world.apply()
    assert run.state == "applied"
    cached = PlanRow.objects.filter(run=run, klass="cache", action="file")
    assert set(cached.values_list("outcome", flat=True)) == {"deleted"}
    assert world.outcomes(run)["quarantined"] > 10
    assert world.restore(run).state == "restored"


def test_two_runs_keep_their_quarantines_apart(world: World) -> None:
    first = world.apply(None, "movie:1")
    second = world.apply(None, "uploads")
    assert first.quarantine != second.quarantine
    tree = world.tree()
    world.restore(second)
    world.restore(Run.objects.get(pk=first.pk))
    assert world.there("film poster unused") and world.there("upload unused")
    assert tree != world.tree()
