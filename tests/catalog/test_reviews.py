"""Tests for weak matches and for candidates that fail: a person decides, and the next one is tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from catalog import plugins, reviews
from catalog.downloads import shelf
from catalog.downloads.base import Candidate, Fetch
from catalog.errors import RateLimited, Unavailable
from catalog.fetching import PARTS
from catalog.models import FileLocation, Review, Song
from mediasync.core.errors import Conflict, UsageError
from mediasync.jobs import services
from mediasync.jobs.choices import JobState
from mediasync.jobs.transitions import transition
from tests.catalog import audio
from tests.catalog.downloading import download, downloading, files, locators, playlist, source
from tests.catalog.downloading import library as make_library

pytestmark = pytest.mark.django_db


class Scripted:
    """A source whose candidates and files a test writes down: key → bytes, or what is raised."""

    fields: tuple[str, ...] = ()
    found: Sequence[Candidate] = ()
    contents: dict[str, Any] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    def __init__(self, reach: Any, name: str) -> None:
        self.reach, self.name = reach, name

    def search(self, want: Any, limit: int = 10) -> Sequence[Candidate]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def fetch(self, candidate: Candidate, part: Path, tell: Any) -> Fetch:
        self.asked.append(candidate.key)
        content = self.contents[candidate.key]
        if callable(content):
            content = content()
        if isinstance(content, BaseException):
            part.write_bytes(b"the beginning")
            raise content
        part.write_bytes(content)
        tell(len(content), len(content))
        return Fetch(size=len(content))


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Scripted]]:
    shelf.forget()
    one = type("One", (Scripted,), {"contents": {}, "asked": []})
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: one if name == "scripted" else real(group, name))
    make_library(tmp_path)
    source("scripted", "src")
    playlist("one", ("Blue Sky", "Some One"))
    yield one
    shelf.forget()


def candidate(key: str, title: str = "Blue Sky", **facts: Any) -> Candidate:
    return Candidate("src", key, title, ("Some One",), **facts)


SONG = audio.mp3("Blue Sky", "Some One", 3)


def test_it_takes_the_next_candidate_when_one_fails(script: type[Scripted], tmp_path: Path) -> None:
    keys = ("gone", "page", "short", "crash", "good", "never")
    script.found = [candidate(key, bitrate=900 - 150 * place) for place, key in enumerate(keys)]
    script.contents = {
        "gone": Unavailable("gone"),
        "page": b"<html>",
        "short": b"",
        "crash": RuntimeError("a mistake in a plug-in"),
        "good": SONG,
    }
    bench = download()
    assert bench.facts("Blue Sky") == ("succeeded", "")
    assert script.asked == ["gone", "page", "short", "crash", "good"]
    assert bench.codes().count("candidate_failed") == 4
    assert files(tmp_path) == ["src/Some One/Blue Sky.mp3"]  # no part of the others is left


def test_it_never_calls_a_song_downloaded_that_failed_twice(script: type[Scripted], tmp_path: Path) -> None:
    script.found = [candidate("a"), candidate("b")]
    script.contents = {"a": b"<html>", "b": SONG[:-1000] + b""}
    script.contents["b"] = Unavailable("no")
    for _ in range(2):
        assert download().facts("Blue Sky") == ("failed", "none_worked")
        assert FileLocation.objects.count() == 0 and files(tmp_path) == []


def test_it_tries_again_later_when_somebody_could_not_answer(script: type[Scripted], tmp_path: Path) -> None:
    script.found = [candidate("a")]
    script.contents = {"a": RateLimited("slowly", retry_after=40)}
    with downloading() as bench:
        assert bench.go() == "snoozed"
        assert bench.facts("Blue Sky")[0] == "retry_wait"
        assert len(files(tmp_path)) == 1  # what came is kept for the next try
        script.contents = {"a": SONG}
        bench.again()
        assert bench.go() == "done"
    assert locators() == files(tmp_path) == ["src/Some One/Blue Sky.mp3"]


def test_it_fetches_elsewhere_when_one_source_cannot_answer(script: type[Scripted], tmp_path: Path) -> None:
    script.found = RateLimited("slowly")  # type: ignore[assignment]
    audio.write(tmp_path / "songs/x.mp3", SONG)
    source("library", "home", folder=str(tmp_path / "songs"), order=2)
    bench = download()
    assert bench.facts("Blue Sky") == ("succeeded", "") and bench.codes().count("search_failed") == 1
    assert locators() == ["home/Some One/Blue Sky.mp3"]


def test_it_goes_on_after_a_pause_with_what_is_here(script: type[Scripted], tmp_path: Path) -> None:
    part: list[str] = []

    def pause() -> bytes:
        if not part:
            part.extend(files(tmp_path) or ["nothing yet"])
            bench.ask(JobState.PAUSE_REQUESTED)
            bench.clock.advance(60)  # the engine looks for requests now and then
        return SONG

    script.found = [candidate("a")]
    script.contents = {"a": pause}
    with downloading() as bench:
        assert bench.go() == "paused"
        assert bench.facts("Blue Sky") == ("pending", "")
        assert bench.item(str(Song.objects.get().pk)).attempt == 0
        assert len(files(tmp_path)) == 1 and files(tmp_path)[0].startswith(PARTS)
        assert transition(bench.job.pk, JobState.QUEUED, expect=(JobState.PAUSED,))
        bench.again()
        assert bench.go() == "done"
    assert locators() == files(tmp_path) == ["src/Some One/Blue Sky.mp3"]


def test_a_person_takes_a_weak_match_or_refuses_it(script: type[Scripted], tmp_path: Path) -> None:
    Song.objects.update(duration=3)
    script.found = [candidate("a", "Blue Skies", duration=3.0), candidate("b", "Blue Skyes", duration=200.0)]
    script.contents = {"a": SONG, "b": SONG}
    assert download().facts("Blue Sky") == ("failed", "weak_match")
    (review,) = reviews.open_reviews()
    assert (review.key, script.asked) == ("a", [])
    song = reviews.unmatched().get()
    assert song.open_matches == 1
    reviews.never(review, "me")
    assert download().facts("Blue Sky") == ("failed", "song_not_found")
    assert reviews.unmatched().get().open_matches == 0
    review.refresh_from_db()
    assert (review.state, review.actor) == ("never", "me")
    with pytest.raises(Conflict):
        reviews.never(review, "you")
    reviews.take(review, "you")
    assert download().facts("Blue Sky") == ("succeeded", "")
    assert script.asked == ["a"] and locators() == ["src/Some One/Blue Sky.mp3"]
    assert not reviews.unmatched().exists()


def test_only_the_song_that_a_person_took_is_looked_for(script: type[Scripted]) -> None:
    Song.objects.update(duration=3)
    weak = candidate("a", "Blue Skies", duration=3.0)
    script.found, script.contents = [weak], {"a": SONG}
    download()
    playlist("two", ("Other", "Some One"))
    review = Review.objects.get()
    reviews.take(review, "me")
    bench = download(songs=[review.song_id])
    assert bench.states() == {str(review.song_id): "succeeded"}
    assert dict(bench.stage().groups.values_list("label", "total")) == {"one": 1}


def test_sources_are_not_asked_for_single_songs() -> None:
    song = Song.objects.create(platform="x", remote_id="1", name="One")
    with pytest.raises(UsageError, match="not for songs"):
        services.submit("sync_download", {"songs": [song.pk]})
    with pytest.raises(UsageError, match="no song 999"):
        services.submit("download_only", {"songs": [999]})
    assert services.submit("download_only", {"songs": str(song.pk)}).job.scope == {"songs": [song.pk]}


def test_it_searches_on_when_what_a_person_took_is_gone(script: type[Scripted]) -> None:
    Song.objects.update(duration=3)
    weak = candidate("a", "Blue Skies", duration=3.0)
    script.found = [weak]
    download()
    reviews.take(Review.objects.get(), "me")
    script.contents = {"a": Unavailable("gone"), "b": SONG}
    script.found = [weak, candidate("b", duration=3.0)]
    assert download().facts("Blue Sky") == ("succeeded", "")
    assert script.asked == ["a", "b"]


def test_it_keeps_one_answer_for_each_song(script: type[Scripted]) -> None:
    Song.objects.update(duration=3)
    script.found = [candidate(key, "Blue Skies", duration=3.0) for key in "abcdefghijklm"]
    download()
    assert Review.objects.count() == reviews.MOST
    one, two = Review.objects.order_by("pk")[:2]
    reviews.take(one, "me")
    reviews.take(two, "me")
    assert list(Review.objects.filter(state="taken")) == [two]
    reviews.reopen(two, "me")
    assert not Review.objects.exclude(state="open").exists()


def test_a_candidate_survives_its_json(script: type[Scripted]) -> None:
    one = candidate("a", duration=3.5, lossless=True, opaque={"x": [1]})
    assert reviews.from_json(reviews.as_json(one) | {"of a newer version": 1}) == one


def test_what_a_person_took_may_be_longer_than_the_platform_said(script: type[Scripted]) -> None:
    Song.objects.update(duration=200.0)
    script.found = [Candidate("src", "k", "Blue Sky")]
    script.contents = {"k": SONG}
    assert download().facts("Blue Sky") == ("failed", "weak_match")
    reviews.take(Review.objects.get(), "me")
    assert download().facts("Blue Sky") == ("succeeded", "")
