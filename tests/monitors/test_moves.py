"""Recognising what moved."""

from __future__ import annotations

from monitors.moves import Thing, folder_target, pair


def gone(path: str, size: int = 10, mtime: int = 5, ident: int | None = None) -> Thing:
    return Thing(1, path, size, mtime, ident)


def paths(missing: list[Thing], new: list[Thing]) -> set[tuple[str, str]]:
    return {(old.path, now.path) for old, now in pair(missing, new)}


def test_the_same_ident_and_size_is_the_same_file() -> None:
    assert paths([gone("a", 10, 5, 7)], [gone("b", 10, 6, 7)]) == {("a", "b")}


def test_a_reused_inode_is_another_file() -> None:
    assert paths([gone("a", 10, 5, 7)], [gone("b", 11, 6, 7)]) == set()


def test_the_only_ones_with_a_size_and_time_are_the_same() -> None:
    assert paths([gone("a"), gone("x", 11)], [gone("b"), gone("y", 12)]) == {("a", "b")}


def test_two_that_could_be_meant_are_none() -> None:
    assert paths([gone("a")], [gone("b"), gone("c")]) == set()
    assert paths([gone("a"), gone("b")], [gone("c")]) == set()


def test_the_ident_tells_apart_what_else_looks_alike() -> None:
    missing = [gone("a", ident=1), gone("b", ident=2)]
    assert paths(missing, [gone("d", ident=2), gone("c", ident=1)]) == {("a", "c"), ("b", "d")}


def test_the_name_tells_hard_links_and_copies_apart() -> None:
    links = [gone("old/a", ident=1), gone("old/b", ident=1)]
    assert paths(links, [gone("new/b", ident=1), gone("new/a", ident=1)]) == {("old/a", "new/a"), ("old/b", "new/b")}
    assert paths(links, [gone("new/a", ident=1), gone("new/z", ident=1)]) == {("old/a", "new/a"), ("old/b", "new/z")}
    copies = [gone("old/a"), gone("old/b")]
    assert paths(copies, [gone("new/b"), gone("new/a")]) == {("old/a", "new/a"), ("old/b", "new/b")}


def test_one_file_is_used_once() -> None:
    assert paths([gone("a", ident=1), gone("b")], [gone("c", ident=1)]) == {("a", "c")}


def test_empty_files_are_too_alike() -> None:
    assert paths([gone("a", 0)], [gone("b", 0)]) == set()


def test_a_folder_moved_if_all_in_it_did() -> None:
    files = ["a/x", "a/b/y"]
    assert folder_target("a", files, {"a/x": "new/x", "a/b/y": "new/b/y"}) == "new"
    assert folder_target("a", files, {"a/x": "new/x", "a/b/y": "new/y"}) is None
    assert folder_target("a", files, {"a/x": "new/x"}) is None
    assert folder_target("a", files, {"a/x": "x", "a/b/y": "b/y"}) is None
    assert folder_target("a", [], {}) is None
    assert folder_target("a", ["a/x"], {"a/x": "b/z"}) is None
