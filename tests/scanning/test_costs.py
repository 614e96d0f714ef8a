"""What a request is likely to cost its server."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mediasync.servers.models import Library
from scanning import costs, services
from scanning.models import ScanRequest

from .helpers import START, Clock, FakeClient, make_server

KINDS = ("plex", "emby", "jellyfin")


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_location_is_a_whole_location(kind: str) -> None:
    assert costs.cost(kind, "tvshows", "Created", is_dir=True, whole=True) == "cost_location"


@pytest.mark.parametrize(
    ("library", "update", "is_dir", "found"),
    [
        ("tvshows", "Created", False, ("cost_folder", "cost_folder", "cost_folder")),
        ("movies", "Modified", False, ("cost_folder", "cost_folder", "cost_folder")),
        ("movies", "Created", False, ("cost_folder", "cost_perhaps", "cost_perhaps")),
        ("tvshows", "Modified", True, ("cost_folder", "cost_perhaps", "cost_perhaps")),
    ],
)
def test_a_part_of_it_depends_on_what_the_server_knows(
    library: str, update: str, is_dir: bool, found: tuple[str, ...]
) -> None:
    assert tuple(costs.cost(kind, library, update, is_dir=is_dir, whole=False) for kind in KINDS) == found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "path", "values", "whole"),
    [
        ("jellyfin", "/srv/tv/A/S1/1.mkv", {"is_dir": False}, False),
        ("jellyfin", "/srv/tv/A", {}, True),
        ("plex", "/srv/tv/A", {}, False),
        ("plex", "/srv/tv/A", {"update": "Deleted"}, True),
        ("plex", "/gone/A", {}, False),
    ],
)
def test_a_press_of_scan_now_changes_no_cost_unless_it_could_be_put_off(
    kind: str, path: str, values: dict[str, Any], whole: bool, clients: dict[str, FakeClient], clock: Clock
) -> None:
    server = make_server(kind)
    library = Library.objects.get(server=server)
    row = ScanRequest.objects.create(server=server, library=library, path=path, due_at=START.replace(hour=20), **values)
    services.send_now(row)
    row.refresh_from_db()
    assert (row.top_level, row.due_at) == (whole, START)


@pytest.mark.django_db
def test_the_page_of_a_server_says_what_scans_cost(clients: dict[str, FakeClient], admin_client: Client) -> None:
    server = make_server("jellyfin")
    library = Library.objects.get(server=server)
    for number, whole in enumerate((True, False, False)):
        ScanRequest.objects.create(
            server=server, library=library, path=f"/srv/tv/{number}.mkv", is_dir=False, top_level=whole
        )
    page = admin_client.get(f"/admin/servers/server/{server.pk}/change/").content.decode()
    assert "collected for 300 s" in page
    assert "2 × 1 folder · 1 × The whole location" in page
    rows = admin_client.get("/admin/scanning/scanrequest/").content.decode()
    assert rows.count("1 folder") == 2 and rows.count("The whole location") == 1
