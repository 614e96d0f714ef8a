"""A show and a film on disk, in a root, in the libraries of two servers that name them otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.servers import tokens
from mediasync.servers.models import Library, LibraryPath, Server
from monitors.models import Root
from scanning.models import PathMapping

NAMES = (
    "tv/My Fancy Show (2015)/Season 07",
    "tv/Other Show",
    "films/A & B (2020)",
    "films/Dune (1984)",
    "films/Dune (2021)",
    "films/Genre/Deep Film (1999)",
)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "films/Flat Film (2001).mkv").write_bytes(b"x")
    (tmp_path / "films/Flat Film (2001).nfo").write_bytes(b"x")
    return tmp_path


def add_server(name: str, kind: str, top: str, films: str = "movie", shows: str = "show") -> Server:
    server = Server.objects.create(name=name, kind=kind, url="http://127.0.0.1:9")
    for key, title, sort, path in (("1", "Movies", films, f"{top}/films"), ("2", "TV Shows", shows, f"{top}/tv")):
        library = Library.objects.create(server=server, key=key, title=title, kind=sort)
        LibraryPath.objects.create(library=library, path=path)
    return server


@pytest.fixture
def root(db: None, media: Path) -> Root:
    return Root.objects.create(name="media", path=str(media))


@pytest.fixture
def plex(root: Root, media: Path) -> Server:
    """A Plex that sees the folders as we do."""
    return add_server("Plex", "plex", str(media))


@pytest.fixture
def jellyfin(root: Root, media: Path) -> Server:
    """A Jellyfin on Windows."""
    server = add_server("Jellyfin", "jellyfin", "M:/media", films="movies", shows="tvshows")
    PathMapping.objects.create(space="server", server=server, pattern=str(media), replacement="M:\\media")
    return server


@pytest.fixture
def token(db: None) -> str:
    return tokens.create("mail", ["trigger"])[1]
