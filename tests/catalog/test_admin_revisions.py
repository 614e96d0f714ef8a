"""Configurations: each change is kept, shown as differences, and taken back."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import ConfigRevision, DownloadSource, Source
from catalog.reach import seal

pytestmark = pytest.mark.django_db
LIST = "/admin/catalog/configrevision/"


def page(client: Client, row: ConfigRevision) -> str:
    return client.get(f"{LIST}{row.pk}/change/").content.decode()


def test_each_change_is_kept_with_who_made_it(admin_client: Client) -> None:
    source = Source.objects.create(name="netease", plugin="netease", pace=1.0)
    admin_client.post(f"/admin/catalog/source/{source.pk}/switch_on/")
    data = {"name": "netease", "enabled": "on", "pace": "3"}
    admin_client.post(f"/admin/catalog/source/{source.pk}/change/", data)
    assert ConfigRevision.objects.count() == 3  # as it was, switched on, slower
    newest = ConfigRevision.objects.first()
    assert newest is not None and newest.actor == "admin" and "netease" in newest.note
    shown = page(admin_client, newest)
    assert "sources.netease.pace" in shown and "<del>1.0</del> → <ins>3.0</ins>" in shown
    oldest = ConfigRevision.objects.last()
    assert oldest is not None and "sources.netease.enabled" in page(admin_client, oldest)


def test_a_restore_asks_first_and_can_be_taken_back(admin_client: Client) -> None:
    Source.objects.create(name="netease", plugin="netease", pace=1.0)
    admin_client.post(f"{LIST}save_now/")
    first = ConfigRevision.objects.get()
    assert "Nothing changed" in admin_client.post(f"{LIST}save_now/", follow=True).content.decode()
    Source.objects.update(pace=9.0)
    Source.objects.create(name="qq", plugin="qq", enabled=True)
    asked = admin_client.post(f"{LIST}{first.pk}/restore/").content.decode()
    assert "secrets stay" in asked and Source.objects.get(name="netease").pace == 9.0
    admin_client.post(f"{LIST}{first.pk}/restore/", {"confirmed": "1"})
    assert Source.objects.get(name="netease").pace == 1.0 and not Source.objects.get(name="qq").enabled
    newest = ConfigRevision.objects.first()
    assert newest is not None and newest.restored_from == first
    before = ConfigRevision.objects.order_by("pk")[1]
    admin_client.post(f"{LIST}{before.pk}/restore/", {"confirmed": "1"})
    assert Source.objects.get(name="netease").pace == 9.0 and Source.objects.get(name="qq").enabled


def test_no_secret_is_in_it(admin_client: Client) -> None:
    sealed = seal("hidden-word")
    row = DownloadSource.objects.create(name="mine", plugin="webdav", settings={"address": "http://127.0.0.1:1"})
    DownloadSource.objects.update(secret_sealed=sealed)
    admin_client.post(f"/admin/catalog/downloadsource/{row.pk}/switch_on/")
    newest = ConfigRevision.objects.first()
    assert newest is not None
    for text in (str(newest.content), page(admin_client, newest)):
        assert "hidden-word" not in text and sealed not in text


def test_who_may_only_look_restores_nothing(client: Client) -> None:
    row = ConfigRevision.objects.create(content={})
    client.force_login(User.objects.create_user("reader", is_staff=True))
    assert client.post(f"{LIST}{row.pk}/restore/", {"confirmed": "1"}).status_code == 403
