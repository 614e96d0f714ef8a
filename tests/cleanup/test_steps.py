"""The names of the steps, and what each of them looks for where."""

from __future__ import annotations

import pytest

from cleanup import steps
from cleanup.choices import Klass
from cleanup.plexdata import layout
from cleanup.policy import Policy
from mediasync.core.errors import UsageError

ALL = Policy(classes=tuple(Klass))


def found(*names: str, policy: Policy = ALL) -> dict[tuple[str, str], set[Klass]]:
    return {(work.part, work.folder): set(work.classes) for work in steps.resolve(names, policy).works}


def test_it_knows_the_names_of_plex_mate() -> None:
    assert {"movie:1", "movie:4", "show:2", "music:3", "bundle:metadata:3", "bundle:media:1", "cache"} <= set(
        steps.NAMES
    )


def test_a_step_does_all_before_it() -> None:
    assert found("movie:1") == {("Metadata", "Movies"): {Klass.UNUSED, Klass.BROKEN}}
    two = {Klass.UNUSED, Klass.SELECTED, Klass.TIDY, Klass.BROKEN}
    assert found("movie:2") == {("Metadata", "Movies"): two}
    assert found("movie:3") == {("Metadata", "Movies"): two, (layout.MEDIA, ""): {Klass.ANALYSIS}}
    assert found("movie:4")[layout.MEDIA, ""] == {Klass.ANALYSIS, Klass.REHOST}
    assert set(found("music:2")) == {("Metadata", "Artists"), ("Metadata", "Albums")}


def test_bundles_of_all_types_are_looked_at() -> None:
    one, three = found("bundle:metadata:1"), found("bundle:metadata:3")
    assert {folder for _part, folder in one} == set(layout.TYPES) == {folder for _part, folder in three}
    assert one["Metadata", "Albums"] == {Klass.ORPHAN}
    assert three["Metadata", "Movies"] == {Klass.ORPHAN, Klass.CHILD, Klass.UNUSED, Klass.TIDY, Klass.BROKEN}
    assert found("bundle:media:1") == {(layout.MEDIA, ""): {Klass.ORPHAN, Klass.TIDY}}
    assert found("bundle:media:3") == {(layout.MEDIA, ""): {Klass.ORPHAN, Klass.TIDY, Klass.ANALYSIS}}


def test_all_is_what_the_policy_allows() -> None:
    asked = steps.resolve(["all"], Policy())
    classes = {klass for work in asked.works for klass in work.classes}
    assert classes == {*Policy().classes, Klass.BROKEN} and not asked.withheld
    assert any(work.part == steps.CACHE for work in asked.works)


def test_it_says_what_the_policy_withholds() -> None:
    asked = steps.resolve(["movie:4"], Policy())
    assert asked.withheld == (Klass.REHOST,)
    with pytest.raises(UsageError) as caught:
        steps.resolve(["uploads"], Policy())
    assert caught.value.code == "cleanup_not_allowed"


def test_a_library_takes_pictures_of_its_own_items_only() -> None:
    works = {work.part: work for work in steps.resolve(["movie:3", "show:3"], ALL).works}
    assert works[layout.MEDIA].classes[Klass.ANALYSIS] == {1, 2, 3, 4}
    works = {work.part: work for work in steps.resolve(["movie:3", "bundle:media:3"], ALL).works}
    assert works[layout.MEDIA].classes[Klass.ANALYSIS] == steps.ANY


def test_only_the_cache_needs_no_database() -> None:
    assert steps.resolve(["cache"], ALL).only_cache and not steps.resolve(["cache", "movie:1"], ALL).only_cache


@pytest.mark.parametrize("names", [[], ["movie:5"], ["movie"], ["bundle:metadata"], ["Movie 1"]])
def test_it_refuses_what_is_no_step(names: list[str]) -> None:
    with pytest.raises(UsageError):
        steps.resolve(names, ALL)


def test_it_takes_names_in_any_case_and_order() -> None:
    assert steps.check(["CACHE", " Movie:1", "cache"]) == ["movie:1", "cache"]
