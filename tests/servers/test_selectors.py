"""Which library owns a path."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from mediasync.servers.models import Library, LibraryPath, Server
from mediasync.servers.selectors import Places, libraries_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Server:
    return Server.objects.create(name="s", kind="plex", url="http://plex:32400")


def library(server: Server, title: str, *places: str, enabled: bool = True) -> Library:
    made = Library.objects.create(server=server, key=title, title=title, enabled=enabled)
    LibraryPath.objects.bulk_create(LibraryPath(library=made, path=path) for path in places)
    return made


def titles(server: Server, path: str) -> list[str]:
    return [each.title for each in libraries_for(server, path)]


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("/media/tv/Show/S01", ["TV"]),
        ("/media/tv", ["TV"]),
        ("/media/tv/", ["TV"]),
        ("/media//tv/./Show", ["TV"]),
        ("/media/tv2/Show", []),
        ("/media/tv/anime/Show", ["Anime", "Anime too"]),
        ("/media/TV/Show", []),
        ("/media", []),
        ("/", []),
        ("d:\\FILMS\\A", ["Films"]),
        ("D:/films/A/b.mkv", ["Films"]),
        ("\\\\NAS\\music\\A", ["Music"]),
        ("\\\\nas\\music2\\A", []),
    ],
)
def test_the_longest_location_owns_it(server: Server, path: str, owners: list[str]) -> None:
    library(server, "TV", "/media/tv", "/more/tv")
    library(server, "Anime", "/media/tv/anime")
    library(server, "Anime too", "/media/tv/anime/")
    library(server, "Films", "D:\\Films")
    library(server, "Music", "\\\\nas\\Music")
    library(server, "Network", "smb://nas/films")
    assert titles(server, path) == owners


def test_a_disabled_library_owns_nothing(server: Server) -> None:
    library(server, "All", "/media")
    library(server, "Off", "/media/off", enabled=False)
    assert titles(server, "/media/off/x") == ["All"]


def test_libraries_of_another_server_do_not_count(server: Server) -> None:
    other = Server.objects.create(name="o", kind="emby", url="http://emby:8096")
    library(other, "TV", "/media/tv")
    assert titles(server, "/media/tv/x") == []


def test_a_relative_path_is_an_error(server: Server) -> None:
    with pytest.raises(ValueError, match="absolute"):
        libraries_for(server, "media/tv")


def test_many_paths_cost_one_query(server: Server, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    library(server, "TV", "/media/tv")
    with django_assert_num_queries(1):
        places = Places(server)
        assert all(places.libraries_for(f"/media/tv/{n}") for n in range(100))


def test_it_names_the_location_above_a_path(server: Server) -> None:
    library(server, "TV", "/media/tv")
    library(server, "Films", "D:\\Films")
    places = Places(server)
    assert places.location_of("/media/tv/Show/S01") == "/media/tv"
    assert places.location_of("d:\\films\\A") == "D:\\films"
    assert places.location_of("/media/x") is None
