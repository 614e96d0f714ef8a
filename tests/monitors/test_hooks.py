"""Hooks are made, changed and found; their secrets stay secret."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from mediasync.core.errors import Conflict, UsageError
from mediasync.core.secrets import Unreadable
from monitors.hooks import services as hooks
from monitors.models import Hook
from tests.monitors.hooking import basic

pytestmark = pytest.mark.django_db


def test_it_makes_a_secret_that_is_nowhere_in_the_database() -> None:
    hook = hooks.add_hook("sonarr", "sonarr", password="pässword")
    row = Hook.objects.filter(pk=hook.pk).values_list()[0]
    secret = hooks.secret_of(hook)
    assert len(secret) == 32
    assert not [value for value in row if isinstance(value, str) and (secret in value or "pässword" in value)]
    assert hooks.url_of(hook) == f"/hooks/sonarr/{secret}/"


def test_it_refuses_what_cannot_be() -> None:
    hooks.add_hook("sonarr", "sonarr")
    with pytest.raises(Conflict, match="sonarr"):
        hooks.add_hook("sonarr", "radarr")
    with pytest.raises(UsageError, match="no kind"):
        hooks.add_hook("x", "nothing")
    with pytest.raises(UsageError, match="colour"):
        hooks.add_hook("x", "sonarr", colour="red")
    for name in ("", "a b", "a/b", "x" * 51):
        with pytest.raises(UsageError):
            hooks.add_hook(name, "sonarr")
    assert Hook.objects.count() == 1


def test_it_leaves_the_secret_and_the_password_alone_when_it_saves() -> None:
    hook = hooks.add_hook("sonarr", "sonarr", password="one")
    stale = Hook.objects.get()
    hooks.rotate(hook)
    stale.note = "in the hall"
    hooks.save(stale)
    fresh = Hook.objects.get()
    assert (fresh.note, fresh.secret_sealed) == ("in the hall", hook.secret_sealed)
    assert hooks.authenticate(fresh, header=basic("x", "one")["Authorization"])
    hooks.save(fresh, password="")
    assert hooks.authenticate(fresh, header=basic("x", hooks.secret_of(fresh))["Authorization"])


def test_it_takes_nothing_for_an_empty_secret() -> None:
    hook = Hook.objects.create(name="made-by-hand", kind="sonarr")
    assert not hooks.authenticate(hook, "")
    assert not hooks.authenticate(hook, header=basic("", "")["Authorization"])


def test_it_lets_nobody_in_when_its_secret_cannot_be_read(settings: Settings) -> None:
    hook = hooks.add_hook("sonarr", "sonarr")
    secret = hooks.secret_of(hook)
    settings.FIELD_KEY = settings.SECRET_KEY = "another-key-" + "y" * 40
    assert not hooks.authenticate(hook, secret)
    with pytest.raises(Unreadable):
        hooks.url_of(hook)
    hooks.rotate(hook)
    assert hooks.authenticate(hook, hooks.secret_of(hook))


def test_it_finds_the_hook_of_a_name_before_those_of_a_kind() -> None:
    other = hooks.add_hook("other", "sonarr")
    named = hooks.add_hook("sonarr", "radarr")
    assert hooks.called("sonarr") == [named, other]
    assert hooks.meant(["sonarr"], ["sonarr"]) == [named]
    assert hooks.meant(["nobody", "sonarr", "other"], []) == [named]
    assert hooks.meant(["manual"], ["sonarr", "radarr"]) == [other, named]
    assert hooks.meant(["manual"], ["autoscan"]) == []
