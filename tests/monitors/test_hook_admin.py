"""The pages of hooks and payloads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from monitors.hooks import payloads
from monitors.hooks import services as hooks
from monitors.models import Hint, Hook, Payload, Root
from tests.monitors.hooking import basic, payload
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db
LIST = reverse("admin:monitors_payload_changelist")
BODY = {"eventType": "Download", "series": {"path": "/tv/Show"}, "episodeFile": {"relativePath": "<b>.mkv"}}


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def hook() -> Hook:
    return hooks.add_hook("sonarr", "sonarr")


def page(client: Client, name: str, *args: Any) -> str:
    answer = client.get(reverse(f"admin:monitors_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, view: str, /, *args: Any, **data: Any) -> str:
    answer = client.post(reverse(f"admin:monitors_{view}", args=args), {"confirmed": "1", **data}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def viewer(*codes: str) -> Client:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


def form(**more: Any) -> dict[str, Any]:
    return {"name": "radarr", "kind": "radarr", "enabled": "on", "wait_for_file": "on", "unmatched": "pass", **more}


def test_it_makes_a_hook_and_shows_its_address(admin_client: Client) -> None:
    text = press(admin_client, "hook_add", **form(password="pass wörd"))
    hook = Hook.objects.get()
    assert hooks.url_of(hook) in text and "http://testserver/triggers/radarr" in text
    assert "pass wörd" not in text
    assert hooks.authenticate(hook, header=basic("x", "pass wörd")["Authorization"])


def test_it_keeps_the_password_unless_told_otherwise(admin_client: Client) -> None:
    hook = hooks.add_hook("radarr", "radarr", password="pass")
    secret = hooks.secret_of(hook)
    press(admin_client, "hook_change", hook.pk, **form(note="here", debounce="2.5"))
    fresh = Hook.objects.get()
    assert (fresh.note, fresh.debounce, hooks.secret_of(fresh)) == ("here", 2.5, secret)
    assert hooks.authenticate(fresh, header=basic("x", "pass")["Authorization"])
    press(admin_client, "hook_change", hook.pk, **form(no_password="on"))
    assert Hook.objects.get().password_sealed == ""


@pytest.mark.parametrize("wrong", [{"name": "a b"}, {"kind": "nothing"}, {"debounce": "-1"}, {"max_wait": "1e9"}])
def test_it_refuses_what_cannot_be(admin_client: Client, wrong: dict[str, str]) -> None:
    assert "errorlist" in press(admin_client, "hook_add", **form(**wrong))
    assert not Hook.objects.exists()


def test_it_shows_the_address_only_to_who_may_change_the_hook(hook: Hook) -> None:
    secret = hooks.secret_of(hook)
    client = viewer("view_hook", "view_payload")
    assert secret not in page(client, "hook_change", hook.pk)
    assert secret not in page(client, "hook_changelist")
    for name in ("rotate", "cut_off", "switch_off"):
        assert client.post(reverse(f"admin:monitors_hook_{name}", args=[hook.pk])).status_code == 403
    row = payload(hook, BODY)
    assert client.post(reverse("admin:monitors_payload_replay", args=[row.pk])).status_code == 403


def test_it_makes_a_new_secret(admin_client: Client, hook: Hook) -> None:
    old = hooks.secret_of(hook)
    question = admin_client.post(reverse("admin:monitors_hook_rotate", args=[hook.pk])).content.decode()
    assert "24 more hours" in question and hooks.secret_of(Hook.objects.get()) == old
    press(admin_client, "hook_rotate", hook.pk)
    assert hooks.authenticate(Hook.objects.get(), old)
    assert "The address before works until" in page(admin_client, "hook_change", hook.pk)
    press(admin_client, "hook_cut_off", hook.pk)
    assert not hooks.authenticate(Hook.objects.get(), old)


def test_it_switches_hooks_off_and_on(admin_client: Client, hook: Hook) -> None:
    press(admin_client, "hook_switch_off", hook.pk)
    assert not Hook.objects.get().enabled
    assert "Switched off" in page(admin_client, "hook_changelist")
    press(admin_client, "hook_switch_on", hook.pk)
    assert Hook.objects.get().enabled


def test_it_says_when_a_secret_cannot_be_read(admin_client: Client, hook: Hook, settings: Settings) -> None:
    settings.FIELD_KEY = settings.SECRET_KEY + "another"
    Hook.objects.update(secret_sealed="gAAAAnonsense")
    assert "cannot be read" in page(admin_client, "hook_change", hook.pk)


def test_it_deletes_a_hook_with_all_it_received(admin_client: Client, hook: Hook) -> None:
    Payload.objects.bulk_create(Payload(hook=hook, method="POST", path="/") for _ in range(1200))
    with CaptureQueriesContext(
        connection,
    ) as seen:
        text = admin_client.post(reverse("admin:monitors_hook_delete", args=[hook.pk])).content.decode()
    assert "payloads: 1200" in text.replace("Payloads", "payloads")
    assert len(seen) < 25
    press(admin_client, "hook_delete", hook.pk, post="yes")
    assert not Hook.objects.exists() and not Payload.objects.exists()


def test_it_shows_a_payload_and_where_its_paths_went(admin_client: Client, hook: Hook) -> None:
    Root.objects.create(name="Television", path="/tv", minimum_entries=0)
    row = payload(hook, BODY, headers={"User-Agent": "Sonarr/4"})
    assert "Received" in page(admin_client, "payload_change", row.pk)
    payloads.parse_waiting()
    text = page(admin_client, "payload_change", row.pk)
    hint = Hint.objects.get()
    assert "Television" in text and "/tv/Show/&lt;b&gt;.mkv" in text and "Sonarr/4" in text
    assert reverse("admin:monitors_hint_change", args=[hint.pk]) in text
    assert f"{reverse('admin:scanning_pathmapping_try')}?path=%2Ftv%2FShow%2F%3Cb%3E.mkv&amp;source=sonarr" in text
    assert "Download" in page(admin_client, "payload_changelist")


@pytest.mark.parametrize("body", [b"", b"\xff\x00\xfe", b'"\\ud800"', b"{broken", b"[" * 100_000, b"x" * 200_000])
def test_it_shows_any_body(admin_client: Client, hook: Hook, body: bytes) -> None:
    row = payload(hook, body)
    for _ in range(2):
        page(admin_client, "payload_change", row.pk)
        page(admin_client, "payload_explain", row.pk)
        payloads.parse_waiting()


def test_it_explains_without_writing(admin_client: Client, hook: Hook) -> None:
    row = payload(hook, BODY)
    text = page(admin_client, "payload_explain", row.pk)
    assert "/tv/Show/&lt;b&gt;.mkv" in text and "in no root" in text
    assert Payload.objects.get().state == "received" and not Hint.objects.exists()
    assert admin_client.get(reverse("admin:monitors_payload_explain", args=[10**6])).status_code == 404
    assert viewer("view_hook").get(reverse("admin:monitors_payload_explain", args=[row.pk])).status_code == 403


def test_it_replays_one_and_many(admin_client: Client, hook: Hook) -> None:
    rows = [payload(hook, BODY) for _ in range(3)]
    payloads.parse_waiting()
    press(admin_client, "payload_replay", rows[0].pk)
    assert Payload.objects.latest("id").replay_of == rows[0]
    data = {"action": "replay", "_selected_action": [row.pk for row in rows], "index": "0"}
    assert admin_client.post(LIST, data, follow=True).status_code == 200
    assert Payload.objects.filter(replay_of__isnull=False).count() == 4
    text = page(admin_client, "payload_change", Payload.objects.latest("id").pk)
    assert reverse("admin:monitors_payload_change", args=[rows[2].pk]) in text


def test_its_list_costs_the_same_for_many_rows(admin_client: Client, hook: Hook) -> None:
    body = json.dumps(BODY).encode()
    row = {"hook": hook, "method": "POST", "path": "/", "params": {"paths": 1}, "state": "done"}
    counts = []
    for number in (10, 60):
        Payload.objects.bulk_create(Payload(**row, body=body) for _ in range(number))
        with CaptureQueriesContext(connection) as seen:
            assert admin_client.get(LIST).status_code == 200
        counts.append(len(seen))
        assert not [query for query in seen if '"monitors_payload"."body"' in query["sql"]]
    assert counts[0] == counts[1] < 15
    for state in Payload.State.values:
        assert admin_client.get(LIST, {"state": state}).status_code == 200
