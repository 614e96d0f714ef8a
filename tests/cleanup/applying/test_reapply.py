"""A refresh of metadata puts ``metadata://`` back: proven addresses are written again, and nothing else."""

from __future__ import annotations

from cleanup import services
from cleanup.models import PlanRow, Run
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job

from .world import World


def again(world: World) -> Run | None:
    """Write again, and return the run that was made for it."""
    known = set(Run.objects.values_list("pk", flat=True))
    job = drain(services.reapply(world.folder, actor="test").pk)
    assert job.state == "completed", (job.reason_code, job.reason_params)
    made = Run.objects.exclude(pk__in=known).first()
    if made is not None and made.state == "accepted":
        world.job = drain(Job.objects.filter(kind="cleanup_apply").latest("pk").pk)
        made.refresh_from_db()
    return made


def test_it_writes_the_same_picture_again_and_puts_its_file_away(world: World) -> None:
    world.apply()
    item, path = world.sample.items["film"], world.sample.paths["film poster"]
    world.set("film", "user_thumb_url", world.sample.values["film poster"])
    world.sample.plex.file(path)
    run = again(world)
    assert run is not None and run.state == "applied", run and (run.state, run.facts)
    assert world.values()[item.id, "user_thumb_url"] == world.sample.urls["film poster"]
    assert not world.there(path)
    assert list(PlanRow.objects.filter(run=run, action="update").values_list("proof", flat=True)) == ["journal"]
    assert not world.lost()


def test_it_leaves_another_picture_alone(world: World) -> None:
    world.apply()
    world.sample.plex.file(world.sample.paths["film poster unused"])
    world.set("film", "user_thumb_url", world.sample.values["film poster unused"])
    run = again(world)
    assert run is not None and run.state == "dropped"
    assert world.there("film poster unused") and not world.lost()


def test_it_does_nothing_where_nothing_was_ever_written(world: World) -> None:
    tree = world.tree()
    assert again(world) is None
    assert world.tree() == tree


def test_it_does_not_take_what_was_put_back(world: World) -> None:
    world.restore(world.apply())
    values = world.values()
    assert again(world) is None
    assert world.values() == values
