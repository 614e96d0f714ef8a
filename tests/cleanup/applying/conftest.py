"""What tests of applying share: a web that has all pictures, a Plex that does not run, and a run that was accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cleanup import apply_signals
from cleanup.apply_verify import Verify
from cleanup.asking import Answer
from cleanup.plexdata.pms import Signs
from tests.cleanup.applying.world import World


class Web:
    """Says of each address what ``answers`` has, else that a picture is there."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    def ask(self, url: str, *, sound: bool = False, full: bool = False) -> Answer:
        self.asked.append(url)
        kind = "audio/mpeg" if sound else "image/jpeg"
        return self.answers.get(url, Answer(True, "", 206, kind, 5000))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    found = Web()
    monkeypatch.setattr(Verify, "asker", lambda self, scene: found)
    return found


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Signs]:
    """What is known of Plex; put another one under "now"."""
    found = {"now": Signs(False)}
    monkeypatch.setattr(apply_signals, "look", lambda folder, database, now: found["now"])
    return found


@pytest.fixture
def world(tmp_path: Path, web: Web, signs: dict[str, Signs], db: None) -> World:
    return World(tmp_path, web)


@pytest.fixture
def worlds(
    tmp_path_factory: pytest.TempPathFactory, web: Web, signs: dict[str, Signs], db: None
) -> Iterator[Callable[[], World]]:
    """For tests that need several, one after the other."""
    yield lambda: World(tmp_path_factory.mktemp("world"), web)
