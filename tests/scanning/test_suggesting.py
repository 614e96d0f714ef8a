"""Mapping rules that seem to be missing."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.test import Client

from mediasync.servers.models import Server
from monitors.models import Directory, Root
from scanning import suggesting
from scanning.models import LinkRule, PathMapping

from .helpers import make_server

pytestmark = pytest.mark.django_db


def root(path: str, below: Iterable[str] = ()) -> Root:
    made = Root.objects.create(name=path.rpartition("/")[2], path=path)
    ids = {"": Directory.objects.create(root=made, path="").pk}
    for each in below:
        parent = ids[each.rpartition("/")[0]]
        ids[each] = Directory.objects.create(root=made, path=each, parent_id=parent).pk
    return made


def rules(server: Server | None = None) -> list[tuple[str, str]]:
    return [(each.pattern, each.replacement) for each in suggesting.suggestions([server] if server else None)]


def test_it_cuts_off_what_both_end_in() -> None:
    root("/mnt/115/media/TV")
    make_server(paths=["/data/media/TV"])
    assert rules() == [("/mnt/115", "/data")]


def test_one_rule_serves_many_libraries() -> None:
    root("/mnt/115", ["media", "media/TV", "media/Films"])
    make_server(paths=["/data/TV", "/data/Films"])
    found = suggesting.suggestions()
    assert [(each.pattern, each.replacement, len(each.pairs)) for each in found] == [("/mnt/115/media", "/data", 2)]


def test_it_suggests_nothing_for_what_is_reached() -> None:
    root("/srv/tv")
    server = make_server(paths=["/srv/tv", "/data/tv"])
    PathMapping.objects.create(space="server", pattern="/srv/tv", replacement="/data/tv")
    PathMapping.objects.create(space="server", server=server, pattern="/mnt", replacement="/x")
    assert ("/srv", "/data") not in rules()


def test_it_does_not_take_along_what_arrives_well() -> None:
    root("/mnt/TV")
    root("/mnt/Films")
    make_server(paths=["/mnt/TV", "/data/Films"])
    assert rules() == [("/mnt/Films", "/data/Films")]


def test_it_does_not_lead_one_folder_two_ways() -> None:
    root("/mnt/TV")
    root("/mnt/Films")
    make_server(paths=["/a/TV", "/b/Films"])
    assert sorted(rules()) == [("/mnt/Films", "/b/Films"), ("/mnt/TV", "/a/TV")]


def test_it_speaks_of_windows_and_shares() -> None:
    root("/mnt/media/tv")
    emby = make_server("emby", paths=["D:\\Media\\TV"])
    share = make_server("jellyfin", paths=["\\\\nas\\media\\tv"])
    assert rules(emby) == [("/mnt/media/tv", "D:\\Media\\TV")]
    assert rules(share) == [("/mnt", "\\\\nas")]
    for each in suggesting.suggestions():
        assert [each.rule.apply(here) for here, _there in each.pairs] == [there for _here, there in each.pairs]


def test_links_are_places_too() -> None:
    made = root("/mnt/cloud", ["TV"])
    LinkRule.objects.create(root=made, target="/links")
    make_server(paths=["/library/TV"])
    assert set(rules()) == {("/mnt/cloud", "/library"), ("/links", "/library")}


def test_titles_are_no_libraries() -> None:
    root("/mnt/tv", [*(f"Show {number}" for number in range(101)), "Show 1/Extras"])
    make_server(paths=["/data/Extras"])
    assert rules() == []


def test_nothing_alike_suggests_nothing() -> None:
    root("/mnt/tv")
    make_server(paths=["/data/Shows", "smb://nas/tv", "relative"])
    assert rules() == []


def test_it_finds_the_rule_for_one_path() -> None:
    root("/mnt/tv")
    server = make_server(paths=["/data/tv"])
    found = suggesting.for_path("/mnt/tv/A/1.mkv", server)
    assert found is not None and found.rule.apply("/mnt/tv/A/1.mkv") == "/data/tv/A/1.mkv"
    assert suggesting.for_path("/other", server) is None


def test_a_person_takes_it(admin_client: Client) -> None:
    root("/mnt/tv")
    server = make_server(paths=["/data/tv"])
    place = "/admin/scanning/pathmapping/suggest/"
    page = admin_client.get(place).content.decode()
    assert "/mnt" in page and "Add this rule" in page
    assert not PathMapping.objects.exists()
    data = {"server": server.pk, "pattern": "/mnt", "replacement": "/data"}
    page = admin_client.post(f"{place}take/", data, follow=True).content.decode()
    assert "was added" in page and "Add this rule" not in page
    assert PathMapping.objects.get().server == server
    page = admin_client.post(f"{place}take/", data | {"pattern": "relative"}, follow=True).content.decode()
    assert "cannot be added" in page
    assert PathMapping.objects.count() == 1
