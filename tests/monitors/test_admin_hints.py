from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from mediasync.core.clock import system
from mediasync.jobs import registry
from mediasync.jobs.models import Job
from monitors.hints import texts as hint_texts
from monitors.models import Hint, Root

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Root:
    return Root.objects.create(name="TV", path="/tv")


def made(root: Root | None, **values: object) -> Hint:
    return Hint.objects.create(**{"root": root, "source": "sonarr", "path": "Show", "name": "e1.mkv"} | values)


def shown(client: Client, **query: str) -> str:
    return client.get(reverse("admin:monitors_hint_changelist"), query).content.decode()


def press(client: Client, hint: Hint) -> str:
    address = reverse("admin:monitors_hint_look_now", args=[hint.pk])
    return client.post(address, follow=True).content.decode()


def test_it_says_what_a_hint_waits_for_and_what_came_of_it(admin_client: Client, root: Root) -> None:
    job = Job.objects.create(kind="sync", title_code="sync")
    made(root, code="hint_unseen")
    made(None, path="/nowhere", raw="/data/nowhere \x07", state="dropped", code="hint_no_root")
    taken = made(root, state="taken", code="hint_gave_up", params={"folder": "Show"}, job_id=job.pk)
    page = shown(admin_client)
    assert "Waits until it is visible" in page and "Show/e1.mkv" in page
    assert "It lies under no root" in page
    assert "the folder “Show” was looked at" in page
    assert reverse("admin:jobs_job_change", args=[job.pk]) in page
    assert "More news" not in page
    one = admin_client.get(reverse("admin:monitors_hint_change", args=[taken.pk])).content.decode()
    assert "Show/e1.mkv" in one and "the folder “Show” was looked at" in one


def test_it_filters(admin_client: Client, root: Root) -> None:
    made(root, path="waits here")
    made(root, path="was taken", state="taken", source="watch")
    assert "was taken" not in shown(admin_client, state="waiting")
    assert "waits here" not in shown(admin_client, source="watch")
    assert "waits here" in shown(admin_client, root__id__exact=str(root.pk))


def test_its_button_looks_at_once(admin_client: Client, root: Root) -> None:
    hint = made(root)
    assert "looks there" in press(admin_client, hint)
    hint.refresh_from_db()
    assert hint.state == "taken" and Job.objects.get().pk == hint.job_id
    press(admin_client, hint)
    assert Job.objects.count() == 1
    assert reverse("admin:monitors_hint_look_now", args=[hint.pk]) not in shown(admin_client, state="taken")


def test_its_button_says_that_nobody_knows_the_path(admin_client: Client) -> None:
    assert "Nobody knows this path" in press(admin_client, made(None, path="/nowhere"))


def test_only_who_may_change_roots_may_press_it(client: Client, root: Root) -> None:
    user = User.objects.create_user("eve", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_hint"))
    client.force_login(user)
    hint = made(root, due_at=system.now())
    assert "look_now" not in shown(client)
    assert client.post(reverse("admin:monitors_hint_look_now", args=[hint.pk])).status_code == 403
    assert not Job.objects.exists()


def test_every_code_has_a_sentence() -> None:
    for code, text in hint_texts.TEXTS.items():
        assert registry.text(code, {"folder": "x"}) == str(text) % {"folder": "x"}
