"""Hooks: endpoints that other programs call. Their secrets, and who may call.

An address holds the secret of its hook (``/hooks/<name>/<secret>/``); the compatible routes and ``/hooks/<name>/`` ask
for Basic auth instead. Secrets are sealed in the database and kept in memory once opened: a call must stay cheap.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import secrets as random
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.urls import reverse

from mediasync.core import secrets
from mediasync.core.clock import Clock, system
from mediasync.core.errors import Conflict, UsageError
from mediasync.servers.services import keys
from monitors import triggers
from monitors.hints.notices import Source
from monitors.models import Account, Hook, Root

LENGTH = 24  # bytes of a new secret
KEEP_OLD = dt.timedelta(hours=24)
OPTIONS = ("name", "kind", "enabled", "username", "open", "debounce", "max_wait", "wait_for_file", "unmatched", "note")


# -- Making and changing


def add_hook(name: str, kind: str, *, password: str = "", **options: Any) -> Hook:
    """Add an endpoint with a fresh secret. ``password`` is that of Basic auth; without one it is the secret.

    Raises UsageError for a kind or option that there is not, Conflict for a name that is taken.
    """
    if unknown := options.keys() - set(OPTIONS):
        raise UsageError(f"A hook has no option {', '.join(sorted(unknown))}.", code="hook_option")
    return save(Hook(name=name, kind=kind, **options), password=password or None)


def save(hook: Hook, *, password: str | None = None) -> Hook:
    """Store what people set; a new one is given a secret. ``password``: None leaves it, "" takes it away."""
    if hook.kind not in triggers.KINDS:
        raise UsageError(f"There is no kind of hook “{hook.kind}”: {', '.join(triggers.KINDS)}.", code="hook_kind")
    if Hook.objects.filter(name=hook.name).exclude(pk=hook.pk).exists():
        raise Conflict(f"There is a hook “{hook.name}” already.", code="hook_exists", name=hook.name)
    columns = list(OPTIONS)
    if password is not None:
        hook.password_sealed = secrets.seal(password, keys())
        columns.append("password_sealed")
    if hook.pk is None:
        hook.secret_sealed = new_secret()
    try:
        hook.clean_fields()
    except ValidationError as error:
        raise UsageError(" ".join(error.messages), code="hook_option") from None
    hook.save(update_fields=columns if hook.pk else None)
    return hook


def rotate(hook: Hook, keep_old: dt.timedelta = KEEP_OLD, clock: Clock = system) -> Hook:
    """Give it a new secret; the old one is good for ``keep_old`` more, so that senders can be changed one by one."""
    hook.old_secret_sealed = hook.secret_sealed if keep_old else ""
    hook.old_until = clock.now() + keep_old if keep_old else None
    hook.secret_sealed = new_secret()
    hook.save(update_fields=["secret_sealed", "old_secret_sealed", "old_until"])
    return hook


def switch(hook: Hook, enabled: bool) -> None:
    """Let it take calls, or refuse its callers."""
    Hook.objects.filter(pk=hook.pk).update(enabled=enabled)


def new_secret() -> str:
    """Return a fresh secret, sealed."""
    return secrets.seal(random.token_urlsafe(LENGTH), keys())


# -- Reading


def secret_of(hook: Hook) -> str:
    """Return its secret; raises secrets.Unreadable if it was sealed with a key that we do not have, or is none."""
    if not hook.secret_sealed:
        raise secrets.Unreadable("This hook has no secret: give it a new one.")
    return _opened(hook.secret_sealed, (settings.FIELD_KEY, settings.SECRET_KEY))


def url_of(hook: Hook) -> str:
    """Return the path of its address, with the secret. Show it only to who may change the hook."""
    return reverse("hook", args=[hook.name, secret_of(hook)])


def source_of(hook: Hook) -> Source:
    """Return who speaks when this hook does."""
    return Source(
        name=hook.name,
        kind=hook.kind,
        account_id=_account_of(hook),
        unmatched=hook.unmatched,
        debounce=hook.debounce,
        max_wait=hook.max_wait,
        wait_for_file=hook.wait_for_file,
    )


def _account_of(hook: Hook) -> int | None:
    """Return the account whose paths it names, where that is plain: CloudDrive2, and one account of it with roots."""
    if hook.kind != "clouddrive2":
        return None
    roots = Root.objects.filter(account__kind=Account.Kind.CLOUDDRIVE).exclude(remote_path="")
    found = set(roots.values_list("account", flat=True))
    return found.pop() if len(found) == 1 else None


# -- Who may call


def called(name: str) -> list[Hook]:
    """Return the hooks that ``/hooks/<name>/`` may mean: the one of that name first, then those of that kind."""
    found = Hook.objects.filter(Q(name=name) | Q(kind=name)).order_by("pk")
    return sorted(found, key=lambda hook: hook.name != name)


def meant(names: Sequence[str], kinds: Sequence[str]) -> list[Hook]:
    """Return the hook with the first of these names that there is, or else all of these kinds."""
    found = list(Hook.objects.filter(Q(name__in=names) | Q(kind__in=kinds)).order_by("pk"))
    named = {hook.name: hook for hook in found}
    return next(([named[name]] for name in names if name in named), found)


def by_secret(hooks: Iterable[Hook], secret: str, clock: Clock = system) -> Hook | None:
    """Return the first hook whose secret this is."""
    return next((hook for hook in hooks if _is_secret(hook, secret, clock)), None)


def by_password(hooks: Iterable[Hook], header: str, clock: Clock = system) -> Hook | None:
    """Return the first hook whose user and password stand in ``header`` (Basic auth)."""
    found = _basic(header)
    if found is None:
        return None
    return next((hook for hook in hooks if _is_password(hook, *found, clock)), None)


def authenticate(hook: Hook, secret: str = "", header: str = "", clock: Clock = system) -> bool:
    """Tell, in constant time, whether who knows ``secret``, or sent this ``Authorization`` header, may call."""
    return by_secret([hook], secret, clock) is not None or by_password([hook], header, clock) is not None


def _is_secret(hook: Hook, secret: str, clock: Clock) -> bool:
    right = _same(_open(hook.secret_sealed), secret)
    old = hook.old_until is not None and clock.now() < hook.old_until
    return _same(_open(hook.old_secret_sealed) if old else "", secret) or right


def _is_password(hook: Hook, user: str, password: str, clock: Clock) -> bool:
    known = not hook.username or _same(hook.username, user)
    if hook.password_sealed:
        return _same(_open(hook.password_sealed), password) and known
    return _is_secret(hook, password, clock) and known


def _same(wanted: str, given: str) -> bool:
    """Compare in constant time; nothing is equal to an empty secret."""
    equal = hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogateescape"))
    return equal and bool(wanted)


def _basic(header: str) -> tuple[str, str] | None:
    kind, _, packed = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(packed.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = raw.decode("utf-8", "surrogateescape").partition(":")
    return (user, password) if colon else None


def _open(sealed: str) -> str:
    """Return a secret, "" for one that cannot be read: it fits nobody, and the hook's page says so."""
    try:
        return _opened(sealed, (settings.FIELD_KEY, settings.SECRET_KEY))
    except secrets.Unreadable:
        return ""


@lru_cache(maxsize=1024)
def _opened(sealed: str, _keys: tuple[str, str]) -> str:
    return secrets.unseal(sealed, keys())
