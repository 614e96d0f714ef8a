"""The addresses of autoscan, autopulse, A-Train and partial-path-scanner go on working."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from monitors.hooks import payloads
from monitors.hooks import services as hooks
from monitors.models import Account, Hint, Hook, Payload, Root
from tests.monitors.hooking import basic

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def manual() -> Hook:
    return hooks.add_hook("manual", "autoscan", username="user", password="pass")


def last() -> Payload:
    payloads.parse_waiting()
    return Payload.objects.latest("id")


def paths() -> list[str]:
    return [notice["path"] for notice in last().notices]


AUTH: Any = {"headers": basic("user", "pass")}


def test_it_answers_like_autoscan(client: Client, manual: Hook) -> None:
    assert client.head("/triggers/manual", **AUTH).status_code == 200
    assert client.head("/triggers/manual").status_code == 401
    assert client.post("/triggers/manual?dir=%2FMovies%2FA%20(2021)&dir=/TV/B", **AUTH).status_code == 200
    assert paths() == ["/Movies/A (2021)", "/TV/B"]


def test_it_answers_like_autopulse(client: Client, manual: Hook) -> None:
    assert client.get("/triggers/manual?path=/TV/a.mkv&hash=abc", **AUTH).status_code == 200
    assert paths() == ["/TV/a.mkv"]
    assert last().params["hash"] == "abc"
    assert client.post("/triggers/manual/?path=/TV/b.mkv", **AUTH).status_code == 200
    assert paths() == ["/TV/b.mkv"]


def test_it_shows_a_form_that_works_without_scripts(client: Client, manual: Hook) -> None:
    page = client.get("/triggers/manual", **AUTH)
    assert page.status_code == 200 and b'name="dir"' in page.content and b"<script" not in page.content
    browser = basic("user", "pass") | {"Accept": "text/html,*/*"}
    answer = client.post("/triggers/manual", {"dir": "/TV/Show"}, headers=browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/triggers/manual?done")
    assert b'role="status"' in client.get("/triggers/manual?done", **AUTH).content
    assert Payload.objects.count() == 1


def test_it_takes_calls_of_arrs_at_their_old_addresses(client: Client) -> None:
    hooks.add_hook("sonarr-4k", "sonarr", username="user", password="pass")
    body = {"eventType": "SeriesDelete", "series": {"path": "/tv/S"}}
    for address in ("/triggers/sonarr-4k", "/triggers/sonarr-4k/", "/triggers/sonarr"):
        answer = client.post(address, body, content_type="application/json", **AUTH)
        assert answer.status_code == 200
        assert paths() == ["/tv/S"]
    assert client.get("/triggers/sonarr?path=/x", **AUTH).status_code == 405


def test_it_finds_the_hook_by_its_password_among_several_of_a_kind(client: Client) -> None:
    hooks.add_hook("one", "sonarr", password="1")
    two = hooks.add_hook("two", "sonarr", password="2")
    assert client.post("/triggers/sonarr", {}, "application/json", headers=basic("x", "2")).status_code == 200
    assert last().hook == two


def test_it_asks_for_no_password_only_where_that_was_allowed(client: Client) -> None:
    hook = hooks.add_hook("cloud", "clouddrive2")
    assert client.post("/file_notify", {}, "application/json").status_code == 401
    hook.open = True
    hooks.save(hook)
    body = {"event_name": "notify", "data": [{"action": "create", "is_dir": "true", "source_file": "/115/TV"}]}
    assert client.post("/file_notify", body, "application/json").status_code == 200
    assert paths() == ["/115/TV"]
    assert client.post(f"/hooks/cloud/{'x' * 32}/", body, "application/json").status_code == 404
    hooks.add_hook("cloud-2", "clouddrive2", open=True)
    assert client.post("/file_notify", body, "application/json").status_code == 401  # which of the two?


def test_it_takes_the_address_as_base_url_of_clouddrive2(client: Client) -> None:
    address = hooks.url_of(hooks.add_hook("cloud", "clouddrive2"))
    query = "?device_name=nas&user_name=me&type=notify"
    body = {"event_name": "notify", "data": [{"action": "delete", "is_dir": "false", "source_file": "/115/a.mkv"}]}
    assert client.post(f"{address}file_notify{query}", body, "application/json").status_code == 200
    assert paths() == ["/115/a.mkv"]
    mounted = {"event_category": "mount_point", "data": [{"action": "unmount", "mount_point": "/mnt"}]}
    assert client.post(f"{address}mount_notify/", mounted, "application/json").status_code == 200
    assert (last().state, last().code) == ("ignored", "call_event_unknown")


def test_it_knows_the_folders_of_the_one_clouddrive2_account(client: Client) -> None:
    hook = hooks.add_hook("cloud", "clouddrive2")
    account = Account.objects.create(name="115", kind="clouddrive")
    root = Root.objects.create(name="TV", path="/mnt/tv", account=account, remote_path="/115/TV", minimum_entries=0)
    body = {"data": [{"action": "create", "is_dir": "false", "source_file": "/115/TV/Show/a.mkv"}]}
    client.post(hooks.url_of(hook), body, "application/json")
    payloads.parse_waiting()
    hint = Hint.objects.get()
    assert (hint.root, hint.path, hint.name) == (root, "Show", "a.mkv")


def test_it_answers_a_train_by_drive(client: Client) -> None:
    hooks.add_hook("a-train", "atrain", open=True)
    body = {"created": ["/TV/S"], "deleted": []}
    assert client.post("/triggers/a-train/0A1xxxxxUk9PVA", body, "application/json").status_code == 200
    row = last()
    assert (row.hook.name, row.path, paths()) == ("a-train", "/triggers/a-train/0A1xxxxxUk9PVA", ["/TV/S"])
    mine = hooks.add_hook("0A1xxxxxUk9PVA", "atrain", open=True)
    assert client.post("/triggers/a-train/0A1xxxxxUk9PVA/", body, "application/json").status_code == 200
    assert last().hook == mine
    assert client.post("/triggers/a-train", body, "application/json").status_code == 200
    assert client.post("/triggers/a-train/another", body, "application/json").status_code == 200
    assert last().hook.name == "a-train"


def test_it_says_that_it_is_well(client: Client) -> None:
    assert client.get("/health").status_code == 200


def test_it_leads_from_the_call_to_the_folder(client: Client, manual: Hook) -> None:
    root = Root.objects.create(name="TV", path="/TV", minimum_entries=0)
    client.post("/triggers/manual?dir=/TV/Show", **AUTH)
    payloads.parse_waiting()
    hint = Hint.objects.get()
    assert (hint.root, hint.path, hint.name, hint.source) == (root, "", "Show", "manual")
