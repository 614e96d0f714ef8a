"""Sources that cannot be asked: they hold up nobody for long, and nobody says that a song is nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog import asking, plugins
from catalog.downloads import shelf
from catalog.downloads.base import Candidate
from catalog.sources.base import Reach
from mediasync.core.clock import FakeClock
from mediasync.core.errors import Permanent, Transient, Unreachable
from tests.catalog import audio
from tests.catalog.downloading import download, library, locators, playlist, source

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two songs at home, and three in a list."""
    for name in ("One", "Two"):
        audio.write(tmp_path / f"songs/{name}.mp3", audio.mp3(name, "A"))
    source("library", "home", order=2, folder=str(tmp_path / "songs"))
    library(tmp_path)
    playlist("list", ("One", "A"), ("Two", "A"), ("Three", "A"))
    return tmp_path


class Broken:
    """A source that raises what the test says, and counts how often it was asked."""

    asked = 0
    error: Exception = Unreachable("It hangs.")

    def __init__(self, reach: Reach, name: str) -> None: ...

    def search(self, want: Any, limit: int = 10) -> list[Candidate]:
        Broken.asked += 1
        raise Broken.error


@pytest.fixture
def broken(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Broken]]:
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: Broken if name == "broken" else real(group, name))
    source("broken", order=1)
    Broken.asked = 0
    return Broken


def test_it_asks_a_source_that_hangs_once_in_a_while(broken: type[Broken]) -> None:
    broken.error = Unreachable("It hangs.")
    bench = download()
    assert locators() == ["home/A/One.mp3", "home/A/Two.mp3"]
    assert bench.facts("Three") == ("retry_wait", "unreachable")
    assert broken.asked == 1


def test_it_keeps_what_a_source_said_for_its_time() -> None:
    clock = FakeClock()
    kept: asking.Kept[Unreachable] = asking.Kept(60.0, clock)
    when = (1, clock.now(), None)
    kept.note(when, "far", Unreachable("It hangs."))
    clock.advance(59)
    assert set(kept.of(when)) == {"far"} and not kept.of((1, clock.now(), 2))
    with pytest.raises(Unreachable):
        kept.check(when, "far")
    clock.advance(1)
    kept.check(when, "far")


def test_it_asks_again_after_an_answer_that_was_only_late(broken: type[Broken]) -> None:
    broken.error = Transient("Later.", code="source_busy")
    download()
    assert broken.asked == 3


def test_it_does_not_say_that_nobody_has_a_song_when_somebody_was_not_asked(broken: type[Broken]) -> None:
    broken.error = Permanent("It answers rubbish.", code="parse_error")
    bench = download()
    assert bench.facts("Three") == ("failed", "not_all_asked")
    assert bench.facts("One") == ("succeeded", "")


def test_a_list_that_cannot_be_had_is_not_asked_for_by_each_of_those_who_wait() -> None:
    clock, asked = FakeClock(), []

    def build() -> list[Candidate]:
        asked.append(1)
        clock.advance(10)
        raise Unreachable("It hangs.")

    def look() -> None:
        shelf.kept(Reach(http=None, settings={}), "key", build, clock=clock)  # type: ignore[arg-type]

    for seconds, times in ((0, 1), (30, 1), (31, 2)):
        clock.advance(seconds)
        with pytest.raises(Unreachable):
            look()
        assert len(asked) == times
    shelf.forget()
    assert not shelf._shelves and not shelf._locks
