"""What the tests of download sources share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from catalog import plugins
from catalog.downloads import shelf
from catalog.downloads.base import Candidate
from catalog.http import Http
from catalog.sources.base import Reach, TrackMeta

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    shelf.forget()
    yield
    shelf.forget()


@pytest.fixture
def make() -> Iterator[Make]:
    """Make a source by the name of its plug-in; ``relay`` answers for every host."""
    made: list[Http] = []

    def build(plugin: str, settings: Mapping[str, Any] = {}, secret: str = "", **how: Any) -> Any:
        made.append(Http(tries=1, relay=str(settings.get("relay", ""))))
        reach = Reach(http=made[-1], settings=settings, secret=secret, platform="here", **how)
        return plugins.load("mediasync.download_sources", plugin)(reach, "here")

    yield build
    for http in made:
        http.close()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "1-x.part"


def want(title: str, *artists: str, **facts: Any) -> TrackMeta:
    return TrackMeta("1", title, artists, **facts)


def quiet(done: int, total: int | None) -> None:
    """Hear how far it is, and go on."""


def brought(source: Any, candidate: Candidate, part: Path) -> bytes:
    source.fetch(candidate, part, quiet)
    return part.read_bytes()
