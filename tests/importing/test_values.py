"""Lengths of time, and filters as globs."""

from __future__ import annotations

import pytest

from mediasync.core.errors import UsageError
from mediasync.importing import durations, globs
from mediasync.importing.tree import Node
from monitors.filters import Filter


def node(text: str) -> Node:
    return Node(text, text, "key", 7)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m30s", 90), ("1h", 3600), ("1.5h", 5400), ("500ms", 0.5), ("0s", 0), ("5000000000", 5)],
)
def test_it_reads_durations_of_go(text: str, seconds: float) -> None:
    assert durations.go(node(text)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("1h", 3600), ("1d", 86400), ("1 day", 86400), ("1 day, 2 hours", 93600), ("2w", 1209600),
     ("1:24", 84), ("1:02:03", 3723), ("1.5 hrs", 5400)],
)  # fmt: skip
def test_it_reads_intervals(text: str, seconds: float) -> None:
    assert durations.words(node(text)) == seconds


@pytest.mark.parametrize("text", ["soon", "", "9" * 400, "nan", "-5s", "1x", "5s later", "1.2.3h", "9999999h"])
def test_it_refuses_what_is_no_length_of_time(text: str) -> None:
    for read in (durations.go, durations.words, durations.seconds):
        with pytest.raises(UsageError, match="Line 7: “key” must be a length of time"):
            read(node(text))


def kept(glob: str, path: str) -> bool:
    """Tell whether a root that excludes ``glob`` keeps a file."""
    import re

    return re.match(Filter(exclude=(glob,)).spec()["exclude"], path) is None


@pytest.mark.parametrize(
    ("expression", "in_it", "not_in_it"),
    [
        (r"\.(srt|pdf)$", "a/b.srt", "a/b.mkv"),
        (r".*\.nfo$", "b.nfo", "b.nfo.mkv"),
        ("^/media/TV/", "TV/x.mkv", "Movies/TV/x.mkv"),
        ("^/media/A \\[x\\]/", "A [x]/b.mkv", "A x/b.mkv"),
        ("/samples/", "a/samples/b.mkv", "a/samples.mkv"),
    ],
)
def test_it_says_filters_as_globs(expression: str, in_it: str, not_in_it: str) -> None:
    glob = globs.from_regex(expression, "/media")
    assert glob and not kept(glob, in_it) and kept(glob, not_in_it)


def test_it_knows_filters_that_take_in_all_of_a_root_and_those_without_a_glob() -> None:
    assert globs.from_regex("^/media/", "/media/TV") == ""
    assert globs.from_regex("^/elsewhere/", "/media") is None
    assert globs.from_regex("^/media/[aeiou]", "/media") is None
    assert globs.from_regex("x+", "/media") is None


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[1]b", "a{b,c}d", "a!b", "{", "]", "电视"])
def test_it_writes_names_as_globs_that_match_only_them(name: str) -> None:
    glob = globs.below(f"/media/{name}", "/media")
    assert glob and not kept(glob, f"{name}/x.mkv") and kept(glob, "aXb/x.mkv") and kept(glob, "ab/x.mkv")
