"""From each source of news to the right scan request, through web, watcher and worker; and a rename is a move."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.plex import FakePlex
from tests.installation import Installation, wait_for

from .site import asked, follow, moved, open_site, play
from .sources import SCENES, CloudDrive, Scene

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, FakePlex, Path]]:
    """One installation and one Plex for all scenes."""
    folder = tmp_path_factory.mktemp("site")
    with open_site(folder) as (here, plex):
        yield here, plex, folder


@pytest.mark.parametrize("kind", SCENES, ids=lambda kind: kind.name)
def test_news_becomes_the_right_scan_request(site: tuple[Installation, FakePlex, Path], kind: type[Scene]) -> None:
    here, plex, folder = site
    with play(here, plex, kind, folder) as scene:
        follow(here, plex, scene)
        assert ["New Film (2024)", "Renamed Film (2024)"] in moved(here, scene)


def test_after_a_cut_stream_it_is_looked_at_all_soon(site: tuple[Installation, FakePlex, Path]) -> None:
    here, plex, folder = site
    with play(here, plex, CloudDrive, folder) as scene:
        assert isinstance(scene, CloudDrive)
        for film in ("First Film (2024)", "Second Film (2024)"):
            scene.cloud.cut_pushes()
            scene.add_quietly(film)  # nobody tells of it
            wait_for(partial(asked, plex, f"{scene.top}/{film}"), 120, here.log.read_text)
