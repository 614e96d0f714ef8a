"""From a name to what servers are asked."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mediasync.core import clock
from mediasync.core.errors import NotFound
from mediasync.jobs.models import Job
from mediasync.ondemand import finding, services
from mediasync.ondemand.finding import outermost
from mediasync.ondemand.patience import together
from mediasync.servers.models import Library, LibraryPath, Server
from monitors.glance import Glance
from monitors.models import Directory, Hint, Root
from scanning.models import LinkRule, PathMapping, ScanRequest
from tests.ondemand.conftest import add_server

pytestmark = pytest.mark.django_db
EPISODE = "My Fancy Show S07E22 Awesome Episode.mp4"


def asked(name: str) -> set[tuple[str, str, str]]:
    return {(each.server, each.library, each.path) for each in services.by_name(name).asked}


def test_it_asks_every_server_about_the_folder_of_the_show(plex: Server, jellyfin: Server, media: Path) -> None:
    assert asked(EPISODE) == {
        ("Plex", "TV Shows", f"{media}/tv/My Fancy Show (2015)"),
        ("Jellyfin", "TV Shows", "M:\\media\\tv\\My Fancy Show (2015)"),
    }
    assert {row.source for row in ScanRequest.objects.all()} == {"on-demand"}
    assert Job.objects.filter(kind="deliver").count() == 2


def test_it_asks_once_however_often_it_is_told(plex: Server) -> None:
    first, second = services.by_name(EPISODE), services.by_name(EPISODE)
    assert [each.request for each in first.asked] == [each.request for each in second.asked]
    assert ScanRequest.objects.get().hits == 2


def test_it_tells_films_of_one_title_apart(plex: Server, media: Path) -> None:
    assert asked("Dune.1984.1080p.mkv") == {("Plex", "Movies", f"{media}/films/Dune (1984)")}
    assert len(asked("Dune.mkv")) == 2


def test_it_finds_a_film_that_lies_in_no_folder(plex: Server, media: Path) -> None:
    assert services.by_name("Flat.Film.2001.mkv").folders == (f"{media}/films/Flat Film (2001).mkv",)


def test_it_finds_deep_folders_by_the_snapshot(plex: Server, root: Root, media: Path) -> None:
    with pytest.raises(NotFound):
        services.by_name("Deep Film (1999).mkv")
    Directory.objects.create(root=root, path="films/Genre/Deep Film (1999)")
    Directory.objects.create(root=root, path="films/Genre/Deep Film (1999)/Deep Film (1999)")
    Directory.objects.create(root=root, path="other/Deep Film (1999)")
    assert asked("Deep.Film.1999.mkv") == {("Plex", "Movies", f"{media}/films/Genre/Deep Film (1999)")}


def test_it_looks_for_an_episode_only_in_libraries_of_shows(plex: Server) -> None:
    with pytest.raises(NotFound):
        services.by_name("Dune S01E01.mkv")
    assert asked("Other Show.mkv")  # nothing says that this is an episode: films first, then shows


def test_it_names_what_is_near(plex: Server) -> None:
    with pytest.raises(NotFound) as caught:
        services.by_name("My Fanzy Show S07E22.mp4")
    assert caught.value.params["near"] == ["My Fancy Show (2015)"]
    assert caught.value.code == "no_such_title"
    assert not ScanRequest.objects.exists()


def test_it_says_when_no_folder_can_be_seen(db: None) -> None:
    add_server("Far", "plex", "/nowhere-at-all")
    Server.objects.update(unmatched="drop")
    with pytest.raises(NotFound) as caught:
        services.by_name(EPISODE)
    assert (caught.value.code, caught.value.params["where"]) == ("cannot_look", "Far")  # it does not answer either


def test_it_has_the_root_look_too(plex: Server, root: Root) -> None:
    services.by_name(EPISODE)
    hint = Hint.objects.filter(root=root, path="tv/My Fancy Show (2015)").get()
    assert (hint.source, hint.deep) == ("on-demand", True)


def test_it_works_where_the_server_looks_at_links(root: Root, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("links")
    (target / "tv/My Fancy Show (2015)").mkdir(parents=True)
    LinkRule.objects.create(root=root, target=str(target))
    add_server("Linked", "plex", str(target))
    assert asked(EPISODE) == {("Linked", "TV Shows", f"{target}/tv/My Fancy Show (2015)")}
    assert Hint.objects.filter(root=root, path="tv/My Fancy Show (2015)").exists()


def test_it_works_without_a_root_where_the_server_runs_here(db: None, media: Path) -> None:
    add_server("Here", "plex", str(media))
    assert asked(EPISODE) == {("Here", "TV Shows", f"{media}/tv/My Fancy Show (2015)")}
    assert not Hint.objects.exists()


def test_it_counts_only_real_uses_of_a_rule(jellyfin: Server) -> None:
    services.by_name(EPISODE)
    assert PathMapping.objects.get().hits == 1


def test_it_leaves_out_what_is_switched_off(plex: Server, jellyfin: Server) -> None:
    Library.objects.filter(server=jellyfin).update(enabled=False)
    assert {each.server for each in services.by_name(EPISODE).asked} == {"Plex"}
    Server.objects.filter(pk=plex.pk).update(enabled=False)
    with pytest.raises(NotFound):
        services.by_name(EPISODE)


def test_it_keeps_what_a_paused_server_is_to_be_told(plex: Server) -> None:
    Server.objects.update(paused=True)
    assert [each.state for each in services.by_name(EPISODE).asked] == ["paused"]
    assert ScanRequest.objects.filter(state="waiting").count() == 1


def test_it_takes_locations_that_are_no_paths(plex: Server, media: Path) -> None:
    LibraryPath.objects.create(library=Library.objects.filter(title="TV Shows").get(), path="smb://nas/tv")
    assert len(asked(EPISODE)) == 1


def test_it_does_not_look_into_a_root_that_is_down(plex: Server, root: Root, media: Path) -> None:
    Directory.objects.create(root=root, path="tv/My Fancy Show (2015)")  # nothing is there now
    Root.objects.update(guard="down")
    with pytest.raises(NotFound) as caught:
        services.by_name(EPISODE)
    assert (caught.value.code, caught.value.params["where"]) == ("cannot_look", f"{media}/tv")
    assert not ScanRequest.objects.exists()


def test_it_does_not_wait_for_a_dead_mount(plex: Server, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_glance: Glance, local: str) -> None:
        raise TimeoutError(local)

    monkeypatch.setattr(Glance, "stat", hang)
    with pytest.raises(NotFound) as caught:
        services.by_name(EPISODE)
    assert caught.value.params["where"] == f"{media}/tv"


def test_it_leaves_behind_what_does_not_end() -> None:
    gate = threading.Event()

    def fail() -> str:
        raise OSError

    assert together([lambda: str(gate.wait(600)), fail], time.monotonic()) == [None, None]
    gate.set()
    assert together([lambda: "a", lambda: "b"], time.monotonic() + 600) == ["a", "b"]


def test_it_asks_servers_at_the_same_time(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    both = threading.Barrier(2)

    class Known:
        def titled(self, key: str, _title: str) -> list[str]:
            both.wait(600)
            return [f"/far/tv/My Fancy Show/{key}.mkv", "/far/tv/My Fanzy Show/x.mkv"]

        def close(self) -> None: ...

    monkeypatch.setattr("mediasync.servers.services.client_for", lambda _server: Known())
    for name in ("One", "Two"):
        add_server(name, "emby", "/far")
    Server.objects.update(seen_at=clock.system.now())
    assert {(each[0], each[2]) for each in asked(EPISODE)} == {
        ("One", "/far/tv/My Fancy Show"),
        ("Two", "/far/tv/My Fancy Show"),
    }
    with pytest.raises(NotFound) as caught:
        services.by_name("My Funcy Show S01E01.mkv")
    assert caught.value.params["near"] == ["My Fancy Show", "My Fanzy Show"]


def test_it_has_unseen_libraries_looked_through_where_a_person_wants_it(plex: Server, settings: Any) -> None:
    add_server("Far", "emby", "/nowhere-at-all")
    settings.UPDATE_WHOLE_LIBRARIES = True
    assert {server for server, _library, _path in asked(EPISODE)} == {"Plex"}  # it is known
    update = services.by_name("New Show S01E01.mkv", "me")
    assert [(each.server, each.library, each.path) for each in update.asked] == [("Far", "TV Shows", "")]
    assert Job.objects.get(kind="scan_library").actor == "me"


def test_it_lists_names_of_any_bytes(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/caf\xe9 (2001)")
    os.symlink("loop", tmp_path / "loop")
    assert list(finding._entries(os.fsencode(tmp_path))) == ["caf\U0010dce9 (2001)"]


def test_it_keeps_the_outermost() -> None:
    assert outermost(["/a/S/S 1", "/a/S", "/a/S (2010)", "/a/S/x"]) == ["/a/S", "/a/S (2010)"]


def test_it_asks_for_libraries_by_title_on_every_server(plex: Server, jellyfin: Server) -> None:
    update = services.by_section("tv shows")
    assert [(each.server, each.library) for each in update.asked] == [("Jellyfin", "TV Shows"), ("Plex", "TV Shows")]
    assert Job.objects.filter(kind="scan_library").count() == 2


def test_it_names_the_nearest_libraries(plex: Server) -> None:
    with pytest.raises(NotFound) as caught:
        services.by_section("TV Show")
    assert caught.value.params["near"][0] == "TV Shows"
