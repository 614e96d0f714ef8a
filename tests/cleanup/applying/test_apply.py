"""From an accepted plan to its end, and back."""

from __future__ import annotations

import json
from pathlib import Path

from cleanup.choices import Outcome
from cleanup.models import PlanRow

from .world import World


def test_it_puts_away_what_was_planned_and_brings_all_of_it_back(world: World) -> None:
    tree, values, dump = world.tree(), world.values(), world.dump()
    run = world.apply()
    assert run.state == "applied", world.job.__dict__ if world.job else ""
    found = world.outcomes(run)
    assert found["quarantined"] > 20 and found["updated"] >= 5, found
    assert not set(found) & {"planned", "error", "changed", "locked", "url_failed"}, [
        (row.path, row.outcome, row.reason)
        for row in PlanRow.objects.filter(run=run, outcome__in=("error", "changed", "planned"))
    ]
    assert not world.there("film poster") and not world.there("film poster unused")
    assert world.values()[(world.sample.items["film"].id, "user_thumb_url")] == world.sample.urls["film poster"]
    assert not world.lost()
    assert world.tree() != tree

    run = world.restore(run)
    assert run.state == "restored", world.job.__dict__ if world.job else ""
    assert world.values() == values
    assert world.dump() == dump
    assert world.tree() == tree
    assert run.quarantine == ""


def test_it_says_what_it_did(world: World) -> None:
    run = world.apply()
    sums = run.report["sums"]
    assert sums["quarantined"] == PlanRow.objects.filter(run=run, outcome=Outcome.QUARANTINED).count()
    assert sums["in_quarantine"] > 0
    assert run.applied_at and run.expires_at and (run.expires_at - run.applied_at).days == 14
    before, after = run.coverage["before"], run.coverage["after"]
    assert after["left"]["thumb"] < before["left"]["thumb"]
    assert run.facts["backup"]["rows"] == len({item for item, _column in world.values()})
    assert Path(run.facts["backup"]["path"]).is_file()


def test_it_lists_all_in_a_manifest_that_needs_no_database(world: World) -> None:
    run = world.apply()
    quarantine = Path(run.quarantine)
    lines = [json.loads(line) for line in (quarantine / "manifest.jsonl").read_text().splitlines()]
    by_path = {line["path"]: line for line in lines if "to" in line}
    for row in PlanRow.objects.filter(run=run, outcome=Outcome.QUARANTINED):
        line = by_path[row.path]
        assert (quarantine / line["to"]).lstat().st_size == line["size"] or row.action == "tree"
    values = {(line["item"], line["column"]): line for line in lines if "item" in line}
    for row in PlanRow.objects.filter(run=run, outcome=Outcome.UPDATED):
        assert values[row.item or 0, row.column]["old"] == row.old


def test_it_purges_and_leaves_nothing_of_the_quarantine(world: World) -> None:
    run = world.apply()
    left = {name: facts for name, facts in world.tree().items() if not name.startswith("mediasync-quarantine")}
    run = world.purge(run)
    assert run.state == "purged", world.job.__dict__ if world.job else ""
    assert world.tree() == left
    assert world.outcomes(run).get("quarantined", 0) == 0
    assert run.report["sums"]["freed"] > 0
    assert not world.lost()


def test_it_never_touches_what_lies_outside_or_is_foreign(world: World) -> None:
    outside = sorted((path, path.read_bytes()) for path in world.sample.outside.rglob("*") if path.is_file())
    run = world.apply()
    world.purge(run)
    assert sorted((path, path.read_bytes()) for path in world.sample.outside.rglob("*") if path.is_file()) == outside
    for name in (
        "foreign file",
        "foreign in prefix",
        "prefix zz",
        "upper",
        "linked bundle",
        "linked prefix",
        "foreign type",
    ):
        assert world.there(name), name
    assert world.there("cache foreign")
