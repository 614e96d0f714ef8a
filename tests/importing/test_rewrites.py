"""Rules mean what they meant: each pair is tried on paths, by the code that translates them later."""

from __future__ import annotations

import pytest

from mediasync.importing.rewrites import Rewrite, compose, from_prefix, from_regex, literal
from scanning.mapping import Rule, Rules


def translated(rule: Rewrite, path: str) -> str | None:
    return Rules((Rule(rule.pattern, rule.replacement, rule.regex),)).translate(path).path


@pytest.mark.parametrize(
    ("source", "target", "path", "becomes"),
    [
        ("/tv/", "/mnt/TV/", "/tv/Show/x.mkv", "/mnt/TV/Show/x.mkv"),
        ("/tv/", "/mnt/TV/", "/tvshows/x.mkv", "/tvshows/x.mkv"),
        ("^/tv/(.*)", "/mnt/TV/$1", "/tv/Show/x.mkv", "/mnt/TV/Show/x.mkv"),
        ("^/tv/(.*)$", "/mnt/TV/${1}", "/tv/Show/x.mkv", "/mnt/TV/Show/x.mkv"),
        ("^/tv", "/mnt", "/tv/x.mkv", "/mnt/x.mkv"),
        ("/testing", "/movies/", "/testing/x.mkv", "/movies/x.mkv"),
        ("/testing/", "/movies", "/testing/x.mkv", "/moviesx.mkv"),  # as written
        ("^/mnt/data", "", "/mnt/data/x.mkv", "/x.mkv"),
        ("^/mnt/data/", "/", "/mnt/data/x.mkv", "/x.mkv"),
        (r"^/mnt/My\.Media\(1\)/", "/m/", "/mnt/My.Media(1)/x.mkv", "/m/x.mkv"),
        (r"/testing/movie(\d+)", "/movies/film$1", "/testing/movie123.mkv", "/movies/film123.mkv"),
        (r"^/a/(\d+)/(.*)$", "/b/${1}k/$2", "/a/12/x.mkv", "/b/12k/x.mkv"),
        (r"^/a/(?P<n>\w+)", "/b/$n/c", "/a/n/x", "/b/n/c/x"),
        (r"^/a/(?<n>\w+)", "/b/${n}", "/a/n/x", "/b/n/x"),  # as Rust writes it
        (r"^/a/(\w+)", "/b/$2/c", "/a/n/x", "/b/c/x"),  # a group that does not exist is empty
        ("^/a", "/b/$$", "/a/x", "/b/$/x"),
        ("^/a+", "/b$/c", "/aa/x", "/b$/c/x"),
        ("(?i)^/TV", "/mnt", "/tv/x", "/mnt/x"),
        ("Media/TV", "media/tv", "/mnt/Media/TV/x", "/mnt/media/tv/x"),  # found anywhere
        (r"(\d)K/", "${1}k/", "/mnt/4K/x", "/mnt/4k/x"),
        ("(?i)media/TV", "m", "/mnt/MEDIA/tv/x", "/mnt/m/x"),
        (r"^C:\\TV\\", "/mnt/tv/", r"C:\tv\Show\x.mkv", "/mnt/tv/Show/x.mkv"),
        ("/mnt/tv/", "D:\\tv\\", "/mnt/tv/Show/x.mkv", r"D:\tv\Show\x.mkv"),
        (r"^/srv/tv\z", "/x", "/srv/tv", "/x"),
        ("^/电视/", "/tv/", "/电视/剧/x.mkv", "/tv/剧/x.mkv"),
    ],
)
def test_it_translates_as_the_other_program_did(source: str, target: str, path: str, becomes: str) -> None:
    assert translated(from_regex(source, target), path) == becomes


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("[[:alpha:]]+", "x", "another way"),
        (r"\p{L}+", "x", "another way"),
        (r"\Q/tv\E", "x", "another way"),
        ("(?U)^/a.*", "/b", "another way"),
        ("/a(b", "/c", "no regular expression"),
        ("/a/(b+", "/c", "no regular expression"),
        ("^/a/(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)", "/$10", "nine groups"),
        ("(.)(.)(.)(.)(.)(.)(.)(.)(.)x", "/$9", "nine groups"),
        (r"^/a(\d)", "/b$1x", r"write \$\{1\}"),
    ],
)
def test_it_refuses_what_python_would_read_otherwise(source: str, target: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_regex(source, target)


def test_it_makes_plain_rules_where_it_can() -> None:
    assert from_regex("^/tv/(.*)", "/mnt/TV/$1") == Rewrite("/tv", "/mnt/TV")
    assert literal("^/tv/.*") is None and literal("tv/") is None and literal(r"/tv\d") is None


def test_it_takes_prefixes_as_folders() -> None:
    assert from_prefix("/115/Pub/", "/mnt//x") == Rewrite("/115/Pub", "/mnt/x")
    with pytest.raises(ValueError, match="absolute"):
        from_prefix("115", "/mnt")


def test_it_follows_a_folder_through_two_rewrites() -> None:
    far = [Rewrite("/unionfs/Media", "/data"), Rewrite("/unionfs", "/all")]
    assert compose(Rewrite("/local", "/unionfs/Media/TV"), far) == Rewrite("/local", "/data/TV")
    assert compose(Rewrite("/local", "/unionfs/x"), far) == Rewrite("/local", "/all/x")
    assert compose(Rewrite("/local", "/else"), far) == Rewrite("/local", "/else")


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (Rewrite("^/a", "/b", True), Rewrite("/b", "/c")),
        (Rewrite("/a", "/b"), Rewrite("^/b", "/c", True)),
        (Rewrite("/a", "/b"), Rewrite("/b/deeper", "/c")),
    ],
)
def test_it_does_not_guess_what_two_rewrites_make_together(first: Rewrite, later: Rewrite) -> None:
    with pytest.raises(ValueError, match=r"plain folders|part of it"):
        compose(first, [later])
