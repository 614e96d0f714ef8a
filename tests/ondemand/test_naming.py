"""What a name says, and which folders go by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasync.core.errors import UsageError
from mediasync.ondemand.guessing import guess
from mediasync.ondemand.naming import FILM, SHOW, Named, fits, fold, parse


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("My Fancy Show S07E22 Awesome Episode.mp4", "My Fancy Show"),
        ("my.fancy.show.s07e22.1080p.web.mkv", "My Fancy Show (2015) {tvdb-7}"),
        ("Show.2010.S01E02.mkv", "Show (2010)"),
        ("Blade.Runner.2049.2017.1080p.mkv", "Blade Runner 2049 (2017) {tmdb-1}"),
        ("Blade.Runner.2049.2017.1080p.mkv", "Blade.Runner.2049.2017.2160p-GRP"),
        ("A.and.B.2020.mkv", "A & B (2020)"),
        ("Amelie.2001.mkv", "Amélie (2001)"),
        ("1917.2019.mkv", "1917 (2019)"),
        ("2012.mkv", "2012 (2009)"),
        ("[Group] Some Anime - 03 [1080p].mkv", "Some Anime"),
        ("흑백요리사.S01E01.mkv", "흑백요리사 (2024)"),
        ("C:\\Downloads\\Mr. Robot\\Season 1\\S01E01.mkv", "Mr.Robot"),
        ("Marvel's Agents S01E01.mkv", "Marvels Agents"),
    ],
)
def test_it_knows_the_folder_of_a_name(name: str, folder: str) -> None:
    assert fits(parse(name), folder)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("Dune.1984.mkv", "Dune (2021)"), ("Show S01E01.mkv", "Show Two"), ("Show Two S01E01.mkv", "Show")],
)
def test_it_knows_what_is_another(name: str, folder: str) -> None:
    assert not fits(parse(name), folder)


def test_it_tells_shows_from_films() -> None:
    assert parse("Show S01E01.mkv").kinds == (SHOW,)
    assert parse("Film (2001).mkv").kinds == (FILM,)
    assert parse("Film or Show (2001)").kinds == (FILM, SHOW)
    assert parse("Something.mkv").kinds == (FILM, SHOW)


@pytest.mark.parametrize(
    "name", ["", "   ", "/", "...", "a\0b.mkv", "x" * 1001, "\ud800.mkv", "🎬.mkv", "\\\\", "Season 01/S01E01.mkv"]
)
def test_it_refuses_what_holds_no_title(name: str) -> None:
    with pytest.raises(UsageError):
        parse(name)


@pytest.mark.parametrize("name", ["Show S01E1-E9999.mkv", "Show 1x1-1x9999", "Show S1-S9999", "Show E1~E9999.mkv"])
def test_it_counts_no_range_out(name: str) -> None:
    found = guess(name)  # guessit makes 9999 findings of it, in most of a minute
    assert found["title"] == "Show"
    assert all(len(each) == 2 for each in found.values() if isinstance(each, list))


@given(st.text(max_size=80))
def test_it_never_fails_otherwise(name: str) -> None:
    try:
        named = parse(name)
    except UsageError:
        return
    assert fold(named.title)
    fits(named, name)


@given(st.text(alphabet="abc .()[]{}0129", max_size=40), st.text(alphabet="abc .()[]{}0129", max_size=40))
def test_it_takes_any_folder(title: str, folder: str) -> None:
    assert fits(Named(title, FILM), folder) in (True, False)
