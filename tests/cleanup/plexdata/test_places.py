"""Where data folders lie, and what is refused as one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cleanup.plexdata import places
from mediasync.core import paths
from mediasync.core.errors import UsageError

from .conftest import Films


def text(path: Path) -> str:
    return paths.to_text(os.fsencode(path))


def test_it_finds_folders_in_the_usual_places(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films().plex.path
    root = tmp_path / "root"
    usual = [
        "var/lib/plexmediaserver/Library/Application Support/Plex Media Server",
        "config/Library/Application Support/Plex Media Server",
        "volume1/PlexMediaServer/AppData/Plex Media Server",
        "share/CACHEDEV1_DATA/.qpkg/PlexMediaServer/Library/Plex Media Server",
        "Users/me/Library/Application Support/Plex Media Server",
        "var/snap/plexmediaserver/common/Library/Application Support/Plex Media Server",
        "usr/local/plexdata/Plex Media Server",
    ]
    for each in usual:
        shutil.copytree(made, root / each)
    (root / "mnt/c/Users/me/AppData/Local/Plex Media Server/Metadata").mkdir(parents=True)  # no database
    assert sorted(places.find(str(root), {})) == sorted(text(root / each) for each in usual)


def test_it_finds_a_folder_once_and_by_the_environment(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films(where="Plex Media Server").plex.path
    (tmp_path / "config/Library/Application Support").mkdir(parents=True)
    (tmp_path / "config/Library/Application Support/Plex Media Server").symlink_to(made)
    environ = {"PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR": str(tmp_path)}
    assert places.find(str(tmp_path), environ) == [text(made)]


def test_it_resolves_a_linked_root_once(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films().plex.path
    (tmp_path / "link").symlink_to(made)
    data = places.resolve(text(tmp_path / "link"))
    assert data.root == text(made.resolve())
    assert data.metadata.endswith("/Metadata") and data.media.endswith("/Media/localhost")
    assert data.cache == f"{data.root}/Cache/PhotoTranscoder" and not data.lacks


def test_it_takes_names_that_are_not_utf8(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films()
    strange = os.fsencode(tmp_path) + b"/pl\xffex #1 ?%41"
    os.rename(made.plex.path, strange)
    data = places.resolve(paths.to_text(strange))
    assert paths.to_bytes(data.root) == os.path.realpath(strange)


@pytest.mark.parametrize("gone", ["Metadata", places.DATABASE])
def test_it_names_what_a_folder_lacks(gone: str, films: Callable[..., Films]) -> None:
    made = films().plex.path
    os.rename(made / gone, made / "elsewhere")
    with pytest.raises(UsageError) as caught:
        places.resolve(text(made))
    assert (caught.value.code, caught.value.params["what"]) == ("plex_folder_lacks", gone)


def test_it_refuses_an_empty_database_and_no_folder(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films().plex
    made.database.write_bytes(b"")
    with pytest.raises(UsageError, match="has no Plug-in Support"):
        places.resolve(text(made.path))
    for path in (tmp_path / "nowhere", made.database):
        with pytest.raises(UsageError) as caught:
            places.resolve(text(path))
        assert caught.value.code == "plex_folder_missing"


@pytest.mark.parametrize("linked", ["Metadata", "Media", "Media/localhost"])
def test_it_follows_no_link_below_the_root(linked: str, films: Callable[..., Films], tmp_path: Path) -> None:
    made = films().plex.path
    os.rename(made / linked, tmp_path / "moved")
    (made / linked).symlink_to(tmp_path / "moved")
    with pytest.raises(UsageError) as caught:
        places.resolve(text(made))
    assert (caught.value.code, caught.value.params["what"]) == ("plex_folder_link", linked)


def test_media_and_cache_may_be_missing(films: Callable[..., Films], tmp_path: Path) -> None:
    made = films().plex.path
    shutil.rmtree(made / "Media")
    os.rename(made / places.CACHE, tmp_path / "cache")
    data = places.resolve(text(made))
    assert data.lacks == ("Media/localhost", places.CACHE) and data.cache == ""
    assert places.resolve(text(made), text(tmp_path / "cache")).cache == text((tmp_path / "cache").resolve())
    (made / places.CACHE).symlink_to(tmp_path / "cache")
    assert places.resolve(text(made)).cache == "", "not by a link that nobody entered"
    with pytest.raises(UsageError):
        places.resolve(text(made), text(tmp_path / "nowhere"))
