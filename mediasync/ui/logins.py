"""The form of both logins, which slows down whoever guesses passwords.

Tokens need no such thing: nobody guesses 228 bits, and one address may be that of a proxy with many behind it.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from mediasync.core import clock

MOST = 10  # wrong passwords in WINDOW for one name from one address
WINDOW = dt.timedelta(minutes=5)
REMEMBERED = 10_000  # names and addresses


class Failures:
    """Counts wrong passwords, in the memory of the one web process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[tuple[str, str], list[dt.datetime]] = OrderedDict()

    def too_many(self, key: tuple[str, str]) -> bool:
        """Tell whether there were so many in the last minutes that not even the right one counts now."""
        with self._lock:
            return len(self._recent(key)) >= MOST

    def add(self, key: tuple[str, str]) -> None:
        """Remember one more."""
        with self._lock:
            self._times[key] = [*self._recent(key), clock.system.now()]
            self._times.move_to_end(key)
            while len(self._times) > REMEMBERED:
                self._times.popitem(last=False)

    def forget(self, key: tuple[str, str]) -> None:
        """Begin anew: the right one was given."""
        with self._lock:
            self._times.pop(key, None)

    def _recent(self, key: tuple[str, str]) -> list[dt.datetime]:
        since = clock.system.now() - WINDOW
        return [each for each in self._times.get(key, ()) if each > since]


failures = Failures()


class LoginForm(AuthenticationForm):
    """Ask for a name and a password."""

    def clean(self) -> dict[str, Any]:
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        key = (address, str(self.cleaned_data.get("username", "")).casefold()[:150])
        if failures.too_many(key):
            raise forms.ValidationError(_("Too many wrong passwords. Try again in a few minutes."), code="too_many")
        try:
            cleaned = super().clean()
        except forms.ValidationError:
            failures.add(key)
            raise
        failures.forget(key)
        return cleaned


class AdminLoginForm(LoginForm, AdminAuthenticationForm):
    """The same, for those who may enter the admin."""
