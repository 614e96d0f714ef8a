"""The folder with everything in it, built once a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cleanup.plexfolder import sample
from tests.cleanup.plexfolder.builder import PlexBuilder
from tests.cleanup.plexfolder.sample import Sample


@pytest.fixture
def made(tmp_path: Path) -> Sample:
    return sample.make(tmp_path)


@pytest.fixture
def plex(tmp_path: Path) -> PlexBuilder:
    return PlexBuilder(tmp_path / "plex")
