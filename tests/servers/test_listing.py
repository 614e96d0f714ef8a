"""Many paths, few questions: of each kind of server, over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.servers.clients.base import Client
from tests.fakes.server import FakeServer


@pytest.mark.parametrize("number", [2, 40])
def test_it_tells_for_many_paths_what_is_known(client: Client, fake: FakeServer, media: Path, number: int) -> None:
    folder = media / "movies" / "Many"
    folder.mkdir()
    for each in range(number):
        (folder / f"{each}.mkv").touch()
    key = next(iter(fake.libraries))
    client.refresh_library(key)
    paths = [f"{folder}/{each}.mkv" for each in range(number)]
    fake.exchanges.clear()
    turns: list[int] = []
    known = client.known(key, [*paths, f"{folder}/none.mkv"], lambda: turns.append(1))
    assert [path for path in known if known[path].here] == paths
    assert known[f"{folder}/none.mkv"].here is False
    assert all(known[path].item for path in paths)
    assert len(fake.requests) <= (10 if number == 2 else 2)


@pytest.mark.parametrize("pages", [2, 5])
def test_it_reads_a_long_library_page_by_page(
    client: Client, fake: FakeServer, media: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    for module in ("listing", "plex", "mediabrowser"):
        monkeypatch.setattr(f"mediasync.servers.clients.{module}.PAGE", 10)
    folder = media / "movies" / "Many"
    folder.mkdir()
    for each in range(10 * pages - 1):
        (folder / f"{each}.mkv").touch()
    key = next(iter(fake.libraries))
    client.refresh_library(key)
    paths = [f"{folder}/{each}.mkv" for each in range(10 * pages - 1)] + [f"{folder}/no{each}.mkv" for each in range(9)]
    known = client.known(key, paths, lambda: None)
    assert sum(each.here is True for each in known.values()) == 10 * pages - 1
    assert sum(each.here is False for each in known.values()) == 9
