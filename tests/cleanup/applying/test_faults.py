"""Whatever fails between the plan and the end: nothing that is referenced goes, and the run can go on."""

from __future__ import annotations

import os
from typing import Any

import apsw
import pytest

from cleanup import apply_files, apply_values, services
from cleanup.asking import Answer
from cleanup.choices import Outcome
from cleanup.models import PlanRow, Run, SeenUrl
from cleanup.plexdata.safe import Root
from mediasync.core.errors import Conflict, Transient

from .world import World


def test_a_value_that_changed_keeps_its_file(world: World) -> None:
    run = world.accepted()
    world.set("film", "user_thumb_url", world.sample.values["film poster unused"])
    run = world.apply(run)
    update = PlanRow.objects.get(run=run, item=world.sample.items["film"].id, column="user_thumb_url")
    assert update.outcome == Outcome.DB_CHANGED
    assert world.there("film poster unused"), "a person chose it after the plan"
    assert world.row(run, world.sample.paths["film poster unused"]).outcome == Outcome.IN_USE
    assert not world.lost()


def test_it_keeps_what_an_older_link_leads_to_that_was_chosen_after_the_plan(world: World) -> None:
    run = world.accepted("movie:1")
    unused = world.sample.legacy["unused"]
    assert world.row(run, unused.file).outcome == Outcome.PLANNED
    world.set("legacy film", "user_thumb_url", unused.value)
    run = world.apply(run)
    assert world.there(unused.link) and (world.root / unused.link).read_bytes()
    assert world.row(run, unused.file).outcome == Outcome.IN_USE


@pytest.mark.parametrize(
    "answer",
    [
        Answer(False, "url_status", 404),
        Answer(False, "url_type", 200, "text/html"),
        Answer(False, "url_unreachable", final=False),
        Answer(False, "url_small", 200, "image/jpeg", 43),
    ],
    ids=lambda answer: answer.reason,
)
def test_an_address_without_a_picture_keeps_value_and_file(world: World, answer: Answer, monkeypatch: Any) -> None:
    monkeypatch.setattr("cleanup.apply_verify.PAUSE", 0.0)
    url = world.sample.urls["film poster"]
    world.web.answers[url] = answer
    before = world.values()
    run = world.apply()
    assert world.there("film poster")
    item = world.sample.items["film"].id
    assert world.values()[item, "user_thumb_url"] == before[item, "user_thumb_url"]
    update = PlanRow.objects.get(run=run, item=item, column="user_thumb_url")
    assert (update.outcome, update.reason) == (Outcome.URL_FAILED, answer.reason)
    assert SeenUrl.objects.filter(url=url).exists() == answer.final
    assert not world.lost()


def test_it_asks_an_address_once_a_while_and_not_once_a_run(world: World) -> None:
    run = world.apply()
    asked = list(world.web.asked)
    assert len(asked) == len(set(asked)) > 3
    world.restore(run)
    world.apply()
    assert world.web.asked == asked


def test_a_locked_database_is_waited_for(world: World, monkeypatch: Any) -> None:
    run = world.accepted()
    holder = apsw.Connection(str(world.sample.plex.database))
    holder.execute("BEGIN IMMEDIATE")
    waited: list[float] = []

    def waiter(ctx: Any, clock: Any) -> Any:
        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                holder.execute("ROLLBACK")

        return wait

    monkeypatch.setattr(apply_values, "waiter", waiter)
    monkeypatch.setattr("cleanup.plexdata.writer.open_writer.__kwdefaults__", {**_defaults(), "busy_ms": 10})
    run = world.apply(run)
    holder.close()
    assert waited == [1.0, 2.0]
    assert world.outcomes(run)["updated"] >= 5
    assert not world.lost()


def _defaults() -> dict[str, Any]:
    from cleanup.plexdata.writer import open_writer

    return dict(open_writer.__kwdefaults__ or {})


def test_a_database_that_stays_locked_keeps_all_that_it_names(world: World, monkeypatch: Any) -> None:
    run = world.accepted()
    holder = apsw.Connection(str(world.sample.plex.database))
    holder.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(apply_values, "waiter", lambda ctx, clock: lambda seconds: None)
    monkeypatch.setattr("cleanup.plexdata.writer.open_writer.__kwdefaults__", {**_defaults(), "busy_ms": 1})
    monkeypatch.setattr("cleanup.apply_values.Values.attempts", 1)
    before = world.values()
    run = world.apply(run)
    holder.execute("ROLLBACK")
    holder.close()
    assert world.values() == before
    assert world.outcomes(run)["locked"] >= 5
    assert world.there("film poster") and not world.there("film poster unused")
    assert not world.lost()


def test_a_file_that_changed_stays(world: World) -> None:
    run = world.accepted()
    path = world.root / world.sample.paths["film poster unused"]
    path.write_bytes(b"new content")
    os.utime(world.root / world.sample.paths["film logo unused"], (1, 1))
    run = world.apply(run)
    assert path.read_bytes() == b"new content"
    assert world.row(run, world.sample.paths["film poster unused"]).outcome == Outcome.CHANGED
    assert world.there("film logo unused")


def test_a_bundle_that_changed_stays_whole(world: World) -> None:
    run = world.accepted()
    orphan = world.root / world.sample.paths["orphan Movies"]
    (orphan / "Contents/new").write_text("new")
    run = world.apply(run)
    assert (orphan / "Contents/new").read_text() == "new"
    assert world.row(run, world.sample.paths["orphan Movies"]).outcome == Outcome.CHANGED


def test_a_bundle_that_is_nobodys_any_more_or_somebodys_again(world: World) -> None:
    run = world.accepted()
    bundle = world.sample.paths["orphan Movies"]
    digest = bundle.split("/")[2] + bundle.split("/")[3][:39]
    from .world import write

    write(
        world.sample.plex.database, "UPDATE metadata_items SET hash=? WHERE id=?", digest, world.sample.items["done"].id
    )
    run = world.apply(run)
    assert world.there("orphan Movies")
    assert world.row(run, bundle).outcome == Outcome.IN_USE


def test_a_folder_swapped_for_a_link_is_not_followed(world: World) -> None:
    run = world.accepted()
    posters = world.root / world.sample.paths["film poster unused"]
    moved = world.sample.outside / "elsewhere"
    posters.parent.rename(moved)
    posters.parent.symlink_to(moved)
    run = world.apply(run)
    assert (moved / posters.name).is_file()
    assert world.row(run, world.sample.paths["film poster unused"]).outcome == Outcome.CHANGED


def test_a_row_with_a_path_that_no_rule_makes_does_nothing(world: World) -> None:
    run = world.accepted()
    row = PlanRow.objects.filter(run=run, action="file", base="data").exclude(klass="cache").first()
    assert row is not None
    bad = [
        "../outside/precious",
        "/etc/passwd",
        "Plug-in Support/Databases/com.plexapp.plugins.library.db",
        "",
        "Metadata",
    ]
    bad += [
        world.sample.paths["foreign file"],
        f"{row.path}/../x",
        row.path.rpartition("/")[0].partition("/Contents")[0],
    ]
    for path in bad:
        PlanRow.objects.filter(pk=row.pk).update(path=path, outcome=Outcome.PLANNED)
        with _hands(world, run) as hands:
            found = apply_files.carry_out([_row(run, row.pk)], hands)
        assert found[row.pk].outcome == Outcome.ERROR, path
    assert (world.sample.outside / "precious").read_text() == "not ours"


def test_an_index_that_lost_much_stops_the_run(world: World) -> None:
    from .world import write

    run = world.accepted()
    tree = world.tree()
    write(world.sample.plex.database, "UPDATE metadata_items SET hash=NULL WHERE id > 3")
    run = world.apply(run)
    assert world.job is not None and world.job.state == "failed" and world.job.reason_code == "cleanup_lost_much"
    assert world.tree() == tree


def test_an_empty_database_stops_the_run(world: World) -> None:
    from .world import write

    run = world.accepted()
    tree = world.tree()
    write(world.sample.plex.database, "DELETE FROM metadata_items")
    world.apply(run)
    assert world.job is not None and world.job.state == "failed" and world.job.reason_code == "plex_index_empty"
    assert world.tree() == tree


def test_a_database_that_was_replaced_in_the_midst_stops_the_run(world: World, monkeypatch: Any) -> None:
    run = world.accepted()
    database = world.sample.plex.database
    original = apply_files.carry_out

    def swapped(rows: Any, hands: Any) -> Any:
        copy = database.with_name("copy")
        copy.write_bytes(database.read_bytes())
        os.replace(copy, database)
        return original(rows, hands)

    monkeypatch.setattr(apply_files, "carry_out", swapped)
    tree = world.tree()
    world.apply(run)
    assert (
        world.job is not None and world.job.state == "paused" and world.job.reason_code == "cleanup_database_replaced"
    )
    gone = {name for name in tree if name not in world.tree()}
    assert not gone


def test_a_library_that_is_not_mounted_keeps_its_orphans(world: World) -> None:
    run = world.accepted()
    (world.path / "media" / "film.mkv").unlink()
    run = world.apply(run)
    for name in ("orphan Movies", "orphan media", "orphan Artists"):
        assert world.there(name)
        assert world.row(run, world.sample.paths[name]).reason == "library_missing"


def test_references_that_cannot_be_read_after_the_renames_put_all_back(world: World, monkeypatch: Any) -> None:
    run = world.accepted("movie:1")
    tree = world.tree()
    from cleanup.apply_checks import LiveReferences

    original, calls = LiveReferences.in_use, [0]

    def failing(self: Any, given: Any) -> Any:
        calls[0] += 1
        if calls[0] % 2 == 0:
            raise Transient("locked", code="plex_database_locked")
        return original(self, given)

    monkeypatch.setattr(LiveReferences, "in_use", failing)
    monkeypatch.setattr("cleanup.apply_stages.PutAway.attempts", 1)
    run = world.apply(run)
    left = {name: facts for name, facts in world.tree().items() if not name.startswith("mediasync-quarantine")}
    assert {name: facts for name, facts in tree.items() if facts[0] != "folder"}.items() <= left.items()
    assert run.state == "applied" and world.outcomes(run).get("quarantined", 0) == 0


def test_what_is_chosen_while_it_is_moved_goes_back_at_once(world: World, monkeypatch: Any) -> None:
    run = world.accepted("movie:1")
    path, original = world.sample.paths["film poster unused"], Root.rename

    def chosen(self: Root, rel: str, other: Root, to: str) -> None:
        original(self, rel, other, to)
        if rel == path:
            world.set("film", "user_thumb_url", world.sample.values["film poster unused"])

    monkeypatch.setattr(Root, "rename", chosen)
    run = world.apply(run)
    assert world.there(path)
    assert world.row(run, path).outcome == Outcome.IN_USE
    assert not world.lost()


def test_only_what_was_accepted_can_be_applied(world: World) -> None:
    run = world.plan()
    with pytest.raises(Conflict):
        services.apply(run)
    with pytest.raises(Conflict):
        services.restore(run)
    with pytest.raises(Conflict):
        services.purge(run)
    tree = world.tree()
    services.drop(run, actor="test")
    with pytest.raises(Conflict):
        services.apply(run)
    assert world.tree() == tree


def _row(run: Run, pk: int) -> Any:
    from cleanup import apply_rows

    return apply_rows.chosen(run.pk, [pk], Outcome.PLANNED)[0]


def _hands(world: World, run: Run) -> Any:
    from cleanup import apply_open
    from cleanup.apply_checks import identity_of
    from cleanup.apply_ready import keep

    scene = apply_open.scene(run.pk)
    if not run.quarantine:
        keep(run, {"identity": identity_of(scene.data.database)}, quarantine=apply_open.make_quarantine(scene))
        run.refresh_from_db()
        scene = apply_open.scene(run.pk)
    return apply_open.hands(scene, lambda: False)
