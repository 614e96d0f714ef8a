"""Image hosts in the admin: their fields, their secrets, and a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cleanup.models import ImageHost

pytestmark = pytest.mark.django_db
WEBHOOK = "https://discord.com/api/webhooks/123/abc-DEF_1"
S3 = {"kind": "s3", "s3_region": "eu", "s3_bucket": "art", "s3_access_key": "me", "s3_url": "https://art.example"}


@pytest.fixture
def browser() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("boss"))
    return browser


def save(browser: Client, host: ImageHost | None = None, **posted: Any) -> str:
    name = ("change", [host.pk]) if host else ("add", [])
    address = reverse(f"admin:cleanup_imagehost_{name[0]}", args=name[1])
    return browser.post(address, {"name": "Art", **posted}, follow=True).content.decode()


def test_a_folder_is_tried(browser: Client, tmp_path: Path) -> None:
    page = save(browser, kind="folder", folder_path=str(tmp_path / "art"), folder_url="https://art.example/plex/")
    host = ImageHost.objects.get()
    assert "was added successfully" in page and host.settings["path"] == str(tmp_path / "art")
    test = reverse("admin:cleanup_imagehost_test", args=[host.pk])
    assert 'class="error"' in browser.post(test, follow=True).content.decode()
    (tmp_path / "art").mkdir()
    page = browser.post(test, follow=True).content.decode()
    assert "took a picture" in page and "https://art.example/plex/" in page
    assert len(list((tmp_path / "art").rglob("*.png"))) == 1


def test_what_cannot_be_used_is_not_stored(browser: Client) -> None:
    for posted in (
        {"kind": "folder", "folder_path": "", "folder_url": "https://art.example"},
        {"kind": "folder", "folder_path": "art", "folder_url": "https://art.example"},
        {"kind": "folder", "folder_path": "/art", "folder_url": "ftp://art.example"},
        {"kind": "discord", "secret": "https://example.org/webhook"},
        {"kind": "discord", "secret": ""},
        {"kind": "elsewhere"},
        {**S3, "secret": ""},
    ):
        assert "errorlist" in save(browser, **posted), posted
    assert not ImageHost.objects.exists()


def test_a_secret_is_sealed_and_never_shown(browser: Client) -> None:
    save(browser, kind="discord", secret=WEBHOOK)
    host = ImageHost.objects.get()
    assert host.secret_sealed and WEBHOOK not in host.secret_sealed and host.settings == {}
    page = browser.get(reverse("admin:cleanup_imagehost_change", args=[host.pk])).content.decode()
    assert WEBHOOK not in page and host.secret_sealed not in page and "A secret is stored" in page
    assert "missing soon" in page, "its warning"
    before = host.secret_sealed
    save(browser, host, kind="discord", secret="", name="Other")
    host.refresh_from_db()
    assert host.name == "Other" and host.secret_sealed == before


def test_a_secret_goes_nowhere_else_without_being_entered_again(browser: Client) -> None:
    save(browser, **S3, s3_endpoint="https://one.example", secret="hush")
    host = ImageHost.objects.get()
    assert "sent elsewhere" in save(browser, host, **S3, s3_endpoint="https://two.example")
    assert ImageHost.objects.get().settings["endpoint"] == "https://one.example"
    assert "errorlist" in save(browser, host, kind="discord"), "that of S3 is no webhook"
    save(browser, host, **{**S3, "s3_bucket": "more"}, s3_endpoint="https://one.example")
    assert ImageHost.objects.get().settings["bucket"] == "more"
    save(browser, host, kind="folder", folder_path="/art", folder_url="https://art.example")
    host.refresh_from_db()
    assert host.kind == "folder" and host.secret_sealed == ""


def test_a_host_of_an_unknown_kind_can_be_looked_at(browser: Client) -> None:
    host = ImageHost.objects.create(name="Old", kind="gone")
    assert browser.get(reverse("admin:cleanup_imagehost_change", args=[host.pk])).status_code == 200
    assert "gone" in browser.get(reverse("admin:cleanup_imagehost_changelist")).content.decode()
    test = reverse("admin:cleanup_imagehost_test", args=[host.pk])
    assert "gone" in browser.post(test, follow=True).content.decode()
