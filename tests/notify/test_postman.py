"""What is handed to apprise."""

from __future__ import annotations

from typing import Any

import pytest

from mediasync.core.errors import UsageError
from mediasync.notify import postman
from mediasync.notify.models import Channel, Message

from .conftest import SECRET, Sink

WEBHOOK = "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("ntfy://topic", "ntfy"),
        (WEBHOOK, "Discord"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "Telegram"),
        ("mailtos://user:password@example.org?smtp=smtp.example.org&to=me@example.org", "E-Mail"),
        ("jsons://user:password@example.org/path", "JSON"),
    ],
)
def test_it_knows_the_addresses_of_the_documentation(url: str, service: str) -> None:
    assert postman.service_of(url) == service


@pytest.mark.parametrize("url", ["", "x", "://", "json://", "foo://bar", "file:///etc/passwd", "ntfy://a\0b", "ﬁ://x"])
def test_it_refuses_what_leads_nowhere(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        postman.service_of(url)
    assert caught.value.code == "channel_address"


def long_parts(url: str) -> int:
    plugin = postman._plugin(url)
    return max(len(part["body"]) for part in plugin._apply_overflow("x" * 3500, title="t"))


def test_it_cuts_what_a_service_would_refuse_unless_told_otherwise() -> None:
    assert long_parts(WEBHOOK) <= 2000
    assert long_parts(WEBHOOK + "?overflow=upstream") == 3500


@pytest.mark.parametrize("tone", ["info", "success", "warning", "failure"])
def test_it_hands_over_every_tone(channel: Channel, sink: Sink, tone: str) -> None:
    text = "<b>&amp;</b> *x* 영화\n  second"
    assert postman.deliver(Message(channel=channel, subject="S", body=text, tone=tone)) == ""
    [taken] = sink.taken
    assert (taken["type"], taken["message"]) == (tone, text)


def test_a_plugin_that_raises_is_a_reason(channel: Channel, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **more: Any) -> None:
        raise KeyError(f"{SECRET} boom")

    monkeypatch.setattr("apprise.Apprise.notify", fails)
    error = postman.deliver(Message(channel=channel, subject="S", body="b"))
    assert "KeyError" in error and SECRET not in error


def test_a_channel_without_an_address_says_so() -> None:
    assert "cannot send" in postman.deliver(Message(channel=Channel(name="x", service="JSON"), subject="S"))


def test_mail_that_cannot_go_out_is_a_reason(settings: Any) -> None:
    message = Message(channel=Channel(name="x", service="admins"), subject="S")
    assert "ADMINS" in postman.deliver(message)
    settings.ADMINS = [("Boss", "boss@example.org")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert "Refused" in postman.deliver(message)
