"""Comparing a listing with what is stored."""

from __future__ import annotations

from monitors.diff import compare

BEFORE = {"same": (1, 2, 3), "bigger": (1, 2, 3), "older": (1, 2, 3), "other": (1, 2, 3), "gone": (1, 2, 3)}
NOW = [("same", 1, 2, 3), ("bigger", 9, 2, 3), ("older", 1, 1, 3), ("other", 1, 2, 9), ("new", 5, 5, 5)]


def test_it_compares_by_inequality() -> None:
    found = compare(BEFORE, {"kept", "lost"}, NOW, ["kept", "fresh"], complete=True)
    assert [row[0] for row in found.added] == ["new"]
    assert [(row[0], old) for row, old in found.modified] == [
        (name, (1, 2, 3)) for name in ("bigger", "older", "other")
    ]
    assert (found.missing, found.missing_folders, found.new_folders) == (["gone"], ["lost"], ["fresh"])


def test_an_incomplete_listing_misses_nothing() -> None:
    found = compare(BEFORE, {"lost"}, NOW, [], complete=False)
    assert (found.missing, found.missing_folders) == ([], [])
    assert [row[0] for row in found.added] == ["new"]


def test_an_ident_that_one_side_lacks_says_nothing() -> None:
    found = compare({"a": (1, 2, None), "b": (1, 2, 3)}, (), [("a", 1, 2, 3), ("b", 1, 2, None)], (), complete=True)
    assert (found.modified, [row[0] for row in found.silent]) == ([], ["a", "b"])


def test_a_name_may_change_its_nature() -> None:
    found = compare({"a": (1, 2, 3)}, {"b"}, [("b", 1, 2, 3)], ["a"], complete=True)
    assert (found.missing, found.new_folders) == (["a"], ["a"])
    assert ([row[0] for row in found.added], found.missing_folders) == (["b"], ["b"])
