"""Channels, rules and messages in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from mediasync.core import secrets
from mediasync.notify import postman
from mediasync.notify.forms import ChannelForm
from mediasync.notify.models import Channel, Message, Rule

from .conftest import NOW, SECRET, Sink, rule_for

pytestmark = pytest.mark.django_db
ADD = "admin:notify_channel_add"


@pytest.fixture
def browser() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("boss", password="boss"))
    return browser


def entered(**more: Any) -> dict[str, Any]:
    return {"name": "Phone", "enabled": "on", "url": "", "quiet_from": "", "quiet_to": ""} | more


def test_a_channel_is_made_tested_and_its_address_never_shown(browser: Browser, sink: Sink) -> None:
    browser.post(reverse(ADD), entered(url=f" {sink.url} "))
    channel = Channel.objects.get(name="Phone")
    assert channel.service == "JSON"
    assert secrets.unseal(channel.url_sealed, postman.keys()) == sink.url
    page = browser.post(reverse("admin:notify_channel_send_test", args=[channel.pk]), follow=True).content.decode()
    assert "the test was sent" in page and sink.titles == ["A test from mediasync"]
    for address in ("admin:notify_channel_changelist", "admin:notify_message_changelist"):
        assert SECRET not in browser.get(reverse(address)).content.decode()
    page = browser.get(reverse("admin:notify_channel_change", args=[channel.pk])).content.decode()
    assert "An address is stored." in page and SECRET not in page and channel.url_sealed not in page


def test_a_test_that_fails_says_why(browser: Browser, channel: Channel, sink: Sink) -> None:
    sink.status = 401
    page = browser.post(reverse("admin:notify_channel_send_test", args=[channel.pk]), follow=True).content.decode()
    assert "401" in page and SECRET not in page
    assert Message.objects.get().state == Message.State.FAILED


def test_a_form_without_an_address_keeps_the_stored_one(browser: Browser, channel: Channel, sink: Sink) -> None:
    address = reverse("admin:notify_channel_change", args=[channel.pk])
    assert browser.post(address, entered(name="Other", quiet_from="22:00", quiet_to="07:00")).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, str(channel.quiet_from)) == ("Other", "22:00:00")
    assert secrets.unseal(channel.url_sealed, postman.keys()) == sink.url


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "rubbish"}, "url"),
        ({"url": "http://example.org/x"}, "url"),
        ({"url": "discord://"}, "url"),
        ({"url": "ntfy://x\ny"}, "url"),
        ({"quiet_from": "22:00"}, "quiet_to"),
    ],
)
def test_the_form_says_what_is_wrong(change: dict[str, Any], field: str) -> None:
    assert list(ChannelForm(entered(**{"url": "ntfy://topic"} | change)).errors) == [field]


def test_the_channel_of_administrators_has_no_address(browser: Browser, administrators: Channel) -> None:
    channel = administrators
    address = reverse("admin:notify_channel_change", args=[channel.pk])
    assert browser.post(address, entered(name="Admins", url="ntfy://elsewhere")).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.service, channel.url_sealed) == ("Admins", "admins", "")


def test_a_rule_is_made(browser: Browser, channel: Channel) -> None:
    posted = {"name": "R", "channel": channel.pk, "events": ["guard", "new_media"], "window": 60, "enabled": "on"}
    assert browser.post(reverse("admin:notify_rule_add"), posted).status_code == 302
    assert Rule.objects.get(name="R").events == ["guard", "new_media"]
    assert "New media" in browser.get(reverse("admin:notify_rule_changelist")).content.decode()
    assert browser.post(reverse("admin:notify_rule_add"), posted | {"name": "S", "events": ["x"]}).status_code == 200
    assert not Rule.objects.filter(name="S").exists()


def test_a_message_is_sent_again_or_given_up(browser: Browser, channel: Channel) -> None:
    message = Message.objects.create(
        channel=channel, rule=rule_for(channel, "guard"), subject="Hello", state="failed", created=NOW
    )
    browser.post(reverse("admin:notify_message_send_again", args=[message.pk]))
    message.refresh_from_db()
    assert message.state == Message.State.WAITING
    browser.post(reverse("admin:notify_message_give_up", args=[message.pk]))
    message.refresh_from_db()
    assert message.state == Message.State.FAILED
    Message.objects.update(state="sent")
    page = browser.post(reverse("admin:notify_message_send_again", args=[message.pk]), follow=True).content.decode()
    assert "not possible any more" in page


def test_text_of_others_is_shown_as_text(browser: Browser, channel: Channel) -> None:
    message = Message.objects.create(channel=channel, subject="<b>x</b>", body="<script>y</script>")
    page = browser.get(reverse("admin:notify_message_change", args=[message.pk])).content.decode()
    assert "<script>y" not in page and "&lt;script&gt;y" in page
