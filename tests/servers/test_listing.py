"""Many paths, few questions: of each kind of server, over real HTTP, and of libraries of any length."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.servers.clients.base import Client, Known
from mediasync.servers.clients.listing import MOST_PAGES, PAGE, Page, find_all
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


class Shelf:
    """A library in memory, newest first, that counts what it is asked."""

    def __init__(self, size: int) -> None:
        self.files = [(f"/m/{number}.mkv", str(number)) for number in range(size)]
        self.pages = self.asked = 0

    def page(self, start: int) -> Page:
        self.pages += 1
        return Page(self.files[start : start + PAGE], len(self.files))

    def ask(self, path: str) -> Known:
        self.asked += 1
        return Known(path in dict(self.files))

    def find(self, paths: list[str]) -> list[bool | None]:
        found = find_all(paths, self.page, self.ask, lambda: None)
        return [found[path].here for path in paths]


@pytest.mark.parametrize(
    ("size", "newest", "none", "pages", "asked"),
    [
        (1_000, 10, 0, 1, 0),
        (500_000, 1_200, 0, 3, 0),  # the newest pages are enough, however long the library is
        (500_000, 1_200, 2, 4, 2),  # one page more shows nothing new: two questions, not a thousand pages
        (20_000, 100, 1, 2, 1),
        (20_000, 100, 50, 40, 0),  # less than fifty questions
        (0, 0, 5, 1, 0),
    ],
)
def test_it_asks_as_little_as_it_can(size: int, newest: int, none: int, pages: int, asked: int) -> None:
    shelf = Shelf(size)
    wanted = [path for path, _item in shelf.files[:newest]] + [f"/m/no{number}.mkv" for number in range(none)]
    assert shelf.find(wanted) == [True] * newest + [False] * none
    assert (shelf.pages, shelf.asked) == (pages, asked)


def test_of_a_library_that_is_too_long_some_of_the_rest_are_asked_for() -> None:
    shelf = Shelf(500_000)
    answers = shelf.find([f"/m/{number}.mkv" for number in range(400_000, 400_200)])
    assert answers == [True] * MOST_PAGES + [None] * (200 - MOST_PAGES)
    assert shelf.pages == 1


def test_what_moves_between_pages_proves_no_absence() -> None:
    shelf = Shelf(1_200)
    whole = shelf.page

    def growing(start: int) -> Page:
        shelf.files.insert(0, (f"/m/new{start}.mkv", "x"))
        return whole(start)

    shelf.page = growing  # type: ignore[method-assign]
    assert shelf.find([f"/m/no{number}.mkv" for number in range(50)]) == [None] * 50
