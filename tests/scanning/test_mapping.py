"""Translation between the name spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasync.servers.models import Server
from scanning import mapping
from scanning.mapping import DROP, ERROR, Rule, Rules
from scanning.models import PathMapping


@pytest.mark.parametrize(
    ("pattern", "replacement", "path", "result"),
    [
        ("/115/Pub", "/mnt/pub", "/115/Pub/x/y.mkv", "/mnt/pub/x/y.mkv"),
        ("/115/Pub", "/mnt/pub", "/115/Pub", "/mnt/pub"),
        ("/115/Pub", "/mnt/pub", "/115/Public2/x", None),
        ("/115/Pub/", "/mnt/pub/", "/115//Pub/x", "/mnt/pub/x"),
        ("/mnt/tv", "M:\\TV", "/mnt/tv/A/B.mkv", "M:\\TV\\A\\B.mkv"),
        ("/mnt/tv", "\\\\nas\\tv", "/mnt/tv/A/B.mkv", "\\\\nas\\tv\\A\\B.mkv"),
        ("M:\\TV", "/mnt/tv", "m:\\tv\\A\\B.mkv", "/mnt/tv/A/B.mkv"),
        ("/Mnt", "/x", "/mnt/a", None),
        ("/", "/srv", "/a", "/srv/a"),
    ],
)
def test_it_applies_a_plain_rule_to_whole_components(
    pattern: str, replacement: str, path: str, result: str | None
) -> None:
    assert Rule(pattern, replacement).apply(path) == result


@pytest.mark.parametrize(
    ("pattern", "replacement", "path", "result"),
    [
        ("/tv/(.*)", "/mnt/TV/$1", "/tv/A/b.mkv", "/mnt/TV/A/b.mkv"),
        ("/mnt/(?P<disk>d[12])", "X:\\${disk}", "/mnt/d1/A/b", "X:\\d1\\A\\b"),
        ("/mnt/tv(?=/)", "/$$TV", "/mnt/tv/a", "/$TV/a"),
        ("/tv", "/x", "/mnt/tv", None),
    ],
)
def test_it_applies_a_regex_from_the_start(pattern: str, replacement: str, path: str, result: str | None) -> None:
    assert Rule(pattern, replacement, regex=True).apply(path) == result


def test_it_stops_at_the_first_rule_that_matches() -> None:
    rules = Rules((Rule("/a", "/b", id=1), Rule("/b", "/c", id=2)))
    assert rules.translate("/a/x").path == "/b/x"
    assert rules.used == {1: 1}


@pytest.mark.parametrize(
    ("policy", "path", "error"), [("pass", "/z", ""), (DROP, None, ""), (ERROR, None, "unmatched")]
)
def test_it_obeys_the_policy_for_the_rest(policy: str, path: str | None, error: str) -> None:
    mapped = Rules((Rule("/a", "/b"),), policy).translate("/z/")
    assert (mapped.path, mapped.error) == (path, error)


@pytest.mark.parametrize("path", ["relative/x", "/a/../b", ""])
def test_it_says_that_a_path_is_bad(path: str) -> None:
    rules = Rules((Rule("/a", "/b"),))
    assert rules.translate(path).error == "bad_path"
    assert rules.trace(path)[-1].outcome == "bad_path"


def test_it_traces_what_it_did() -> None:
    rules = Rules((Rule("/x", "/1"), Rule("/a", "/b"), Rule("/a", "/c")), DROP)
    assert [(step.outcome, step.path) for step in rules.trace("/a/f")] == [("no_match", "/a/f"), ("matched", "/b/f")]
    assert [step.outcome for step in rules.trace("/q")] == ["no_match"] * 3 + ["dropped"]


@pytest.mark.parametrize(
    ("pattern", "replacement", "regex", "why"),
    [
        ("a/b", "/b", False, "absolute"),
        ("/a", "b", False, "absolute"),
        ("/(a", "/b", True, "regular expression"),
        ("/(a)", "/b/$2", True, "no group 2"),
        ("/a", "/${n}", True, "no group n"),
    ],
)
def test_it_refuses_a_rule_that_cannot_work(pattern: str, replacement: str, regex: bool, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        mapping.check(pattern, replacement, regex)


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=8), max_size=5))
def test_it_comes_back_by_the_inverse_rule(names: list[str]) -> None:
    names = [name for name in names if name not in (".", "..")]
    path = "/mnt/media" + "".join(f"/{name}" for name in names)
    there = Rule("/mnt/media", "/srv/tv").apply(path)
    assert there is not None
    assert Rule("/srv/tv", "/mnt/media").apply(there) == path


@pytest.mark.django_db
def test_it_loads_the_rules_of_one_server_and_of_all() -> None:
    one, other = (Server.objects.create(name=name, kind="plex", url="http://x") for name in "ab")
    one.unmatched = ERROR
    make = PathMapping.objects.create
    make(space="server", pattern="/all", replacement="/1", order=2)
    make(space="server", pattern="/one", replacement="/2", order=1, server=one)
    make(space="server", pattern="/other", replacement="/3", server=other)
    make(space="server", pattern="/off", replacement="/4", enabled=False)
    make(space="source", pattern="/sonarr", replacement="/5", source="sonarr")
    make(space="source", pattern="/any", replacement="/6")
    assert [rule.pattern for rule in mapping.for_server(one).rules] == ["/one", "/all"]
    assert mapping.for_server(one).unmatched == ERROR
    assert [rule.pattern for rule in mapping.for_source("radarr").rules] == ["/any"]
    assert len(mapping.for_source("sonarr").rules) == 2
