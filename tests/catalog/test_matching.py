"""Tests for matching: the table of pairs, the parts of the score, and the order to try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.downloads.base import Candidate
from catalog.matching import Scored, artists_of, rank, score, title_of, versions_of
from catalog.sources.base import TrackMeta

Pair = tuple[str, str, float | None]

RIGHT: list[tuple[Pair, Pair]] = [
    (("晴天", "周杰伦", 269), ("晴天", "周杰倫", 269)),
    (("泡沫", "G.E.M. 邓紫棋", 258), ("泡沫", "邓紫棋", 259)),
    (("因为爱情", "陈奕迅 / 王菲", 216), ("因为爱情", "王菲、陈奕迅", 217)),
    (("后来", "刘若英", None), ("后来", "刘若英", 340)),
    (("Hello", "Adele", 295), ("HELLO", "adele", 296)),
    (("Thunderstruck", "AC/DC", 292), ("Thunderstruck", "AC/DC", 292)),
    (("Umbrella", "Rihanna / JAY-Z", 275), ("Umbrella (feat. JAY-Z)", "Rihanna", 275)),
    (("Live Forever", "Oasis", 276), ("Live Forever (Remastered)", "Oasis", 277)),
    (("Boogie Wonderland", "Earth, Wind & Fire", 289), ("Boogie Wonderland", "Earth Wind & Fire", 288)),
    (("Ｈｅｌｌｏ", "Ａｄｅｌｅ", 295), ("Hello", "Adele", 295)),
    (("(I Can't Get No)", "The Rolling Stones", 222), ("(I Can't Get No)", "The Rolling Stones", 222)),
    (("歌 123", "歌手 4", 200), ("歌 123", "歌手 4", None)),
    (("Symphony No. 5", "Some One", 400), ("Symphony No.05", "Some One", 401)),
    (("Shine On, Part II", "Some One", 400), ("Shine On Part 2", "Some One", 401)),
    (("Song 2", "Blur", 120), ("Song 2 - 2012 Remaster", "Blur", 121)),
    (("1979", "Some One", 120), ("1979 (2012 Remastered)", "Some One", 121)),
]
WRONG: list[tuple[Pair, Pair]] = [
    (("晴天", "周杰伦", 269), ("晴天 (Live)", "周杰伦", 310)),
    (("晴天", "周杰伦", 269), ("晴天 (翻自 周杰伦)", "小明", 268)),
    (("爱", "小虎队", 200), ("爱情", "小虎队", 200)),
    (("晴天", "周杰伦", 269), ("雨天", "周杰伦", 269)),
    (("Hello", "Adele", 295), ("Hello", "Lionel Richie", 247)),
    (("歌 123", "歌手 4", 200), ("歌 124", "歌手 4", 200)),
    (("Piano Sonata No. 14 in C sharp minor", "X", 300), ("Piano Sonata No. 15 in C sharp minor", "X", 300)),
    (("Hello", "Adele", 295), ("Hello 2", "Adele", 295)),
    (("Shine On (Pt. 1)", "Some One", 400), ("Shine On (Pt. 2)", "Some One", 400)),
    (("Shine On Part II", "Some One", 400), ("Shine On Part III", "Some One", 400)),
]
WEAK: list[tuple[Pair, Pair]] = [
    (("晴天", "周杰伦", 269), ("晴天 (伴奏)", "周杰伦", 269)),
    (("Blue Sky", "Some One", 200), ("Blue Skies", "Some One", 200)),
    (("Hello", "", 295), ("Hello", "Adele", 295)),
]


def points(want: Pair, found: Pair) -> float:
    wanted = TrackMeta("1", want[0], tuple(filter(None, want[1].split(" / "))), duration=want[2])
    return score(wanted, Candidate("s", "k", found[0], (found[1],) if found[1] else (), duration=found[2]))


@pytest.mark.parametrize(("want", "found"), RIGHT, ids=str)
def test_it_trusts_the_right_song(want: Pair, found: Pair) -> None:
    if "倫" in found[1]:
        pytest.importorskip("opencc", reason="optional: simplified and traditional characters")
    assert points(want, found) >= 90


@pytest.mark.parametrize(("want", "found"), WRONG, ids=str)
def test_it_rejects_the_wrong_song(want: Pair, found: Pair) -> None:
    assert points(want, found) < 75


@pytest.mark.parametrize(("want", "found"), WEAK, ids=str)
def test_it_asks_a_person_where_it_may_be(want: Pair, found: Pair) -> None:
    assert 75 <= points(want, found) < 90


def test_it_trusts_the_same_recording_whatever_it_is_called() -> None:
    want = TrackMeta("1", "晴天", ("周杰伦",), isrc="TW-K97-03-00101")
    assert score(want, Candidate("s", "k", "Sunny Day", ("Jay Chou",), isrc="twk970300101")) == 100
    want = TrackMeta("1", "晴天", mbid="8f3471b5-7e6a-48da-86a9-c1c07a0f47ae")
    assert score(want, Candidate("s", "k", "?", mbid="8F3471B5-7E6A-48DA-86A9-C1C07A0F47AE")) == 100
    assert score(TrackMeta("1", "a"), Candidate("s", "k", "b")) < 75  # no id is no equal id


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Hello (feat. X) [Remastered]", "hello"),
        ("Hello - Radio Edit", "hello"),
        ("Hello feat. Somebody", "hello"),
        ("(What's the Story)", "what s the story"),
        ("《晴天》", "晴天"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_it_makes_titles_comparable(text: str, plain: str) -> None:
    assert title_of(text) == plain


def test_it_knows_versions_as_words() -> None:
    assert versions_of("Song (Live)") == {"live"}
    assert versions_of("Alive") == frozenset()
    assert versions_of("晴天(DJ版 现场)") == {"live", "dj"}
    assert versions_of("Demolition") == frozenset()


def test_it_splits_artists() -> None:
    assert artists_of(["A feat. B", "C、D"]) == {"a", "b", "c", "d"}
    assert artists_of(["", " / "]) == frozenset()


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_it_scores_whatever_it_is_given(title: str, artist: str, other: str, whose: str) -> None:
    want = TrackMeta("1", title, (artist,))
    assert 0 <= score(want, Candidate("s", "k", other, (whose,))) <= 100


def scored(key: str, place: int, points: float = 95, **facts: object) -> Scored:
    return Scored(Candidate("s", key, "t", **facts), points, place)  # type: ignore[arg-type]


RANKED = [
    ("what is not trusted is not tried", [scored("weak", 0, 89), scored("good", 1, 90)], "good"),
    ("trust goes before quality", [scored("flac", 0, 80, ext="flac"), scored("mp3", 1, 95, bitrate=128)], "mp3"),
    ("lossless goes first", [scored("mp3", 0, bitrate=320), scored("flac", 1, ext="flac")], "flac mp3"),
    ("the source's word wins", [scored("flac", 0, ext="flac", lossless=False), scored("m4a", 1, lossless=True)],
     "m4a flac"),
    ("then the bit rate", [scored("128", 0, bitrate=128), scored("320", 1, bitrate=320)], "320 128"),
    ("close ones by source", [scored("320", 1, bitrate=320), scored("300", 0, bitrate=300)], "300 320"),
    ("not close ones by rate", [scored("256", 0, bitrate=256), scored("320", 1, bitrate=320)], "320 256"),
    ("the rate from the size", [scored("small", 0, size=4_000_000, duration=200.0),
                                scored("big", 1, size=8_000_000, duration=200.0)], "big small"),
    ("sizes where no rate is known", [scored("small", 0, size=10), scored("big", 1, size=20)], "big small"),
    ("one source: by score", [scored("90", 0, 90, bitrate=320), scored("99", 0, 99, bitrate=320)], "99 90"),
    ("nothing", [], ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "order"), RANKED, ids=[row[0] for row in RANKED])
def test_it_ranks(name: str, given: list[Scored], order: str) -> None:
    assert [each.candidate.key for each in rank(given)] == order.split()
    assert [each.candidate.key for each in rank(reversed(given))] == order.split()
