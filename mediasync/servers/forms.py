"""The form of a server. Its token can be set and replaced, never read."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import UsageError

from .models import Server


def seconds(label: Any, least: float, most: float, help_text: Any = "") -> forms.FloatField:
    """Return a field for a number of seconds."""
    return forms.FloatField(label=label, min_value=least, max_value=most, help_text=help_text)


class ServerForm(forms.ModelForm[Server]):
    """Edit a server. A token goes only to the address that it was entered for."""

    token = forms.CharField(
        label=_("Token"),
        required=False,
        strip=True,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )
    connect_timeout = seconds(_("Seconds for a connection"), 0.5, 30)
    read_timeout = seconds(_("Seconds for an answer"), 1, 120)
    pace = seconds(_("Pace"), 0, 3600, _("Seconds between two scans of one library."))
    debounce = seconds(_("Rest"), 0, 86400, _("Seconds without a change before a scan is due."))
    max_wait = seconds(_("Longest wait"), 0, 86400, _("Seconds after which a scan is due though changes go on."))
    root_window = seconds(
        _("Window for new folders"),
        0,
        86400,
        _("Seconds over which is collected what makes a server look through a whole location, such as new folders."),
    )

    class Meta:
        model = Server
        fields = (
            *("name", "kind", "url", "verify_tls", "ca_file", "connect_timeout", "read_timeout"),
            *("pace", "debounce", "max_wait", "root_window", "unmatched", "enabled"),
            *("verify", "replaced", "trash_limit"),
        )
        # Browsers take the field before a password for a user name and fill it in.
        widgets: ClassVar = {"url": forms.TextInput(attrs={"size": 60, "autocomplete": "off"})}
        labels: ClassVar = {
            "name": _("Name"),
            "kind": _("Kind"),
            "url": _("Address"),
            "verify_tls": _("Check the TLS certificate"),
            "ca_file": _("CA file"),
            "unmatched": _("A path that no mapping translates"),
            "enabled": _("Switched on"),
            "verify": _("Ask whether it knows what it was told"),
            "replaced": _("After a file was replaced in place"),
            "trash_limit": _("Empty a trash of at most"),
        }
        help_texts: ClassVar = {
            "url": _("As this machine reaches it, for example http://plex:32400."),
            "trash_limit": _("Items; 0 = never (Plex). Only while every root in the library is in order."),
            "ca_file": _("A file with the certificate of your own authority."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, forms.FloatField):  # declared above, so without the default of its column
                field.initial = getattr(Server(), name)
        stored = bool(self.instance.token_sealed)
        self.initial_target = (self.instance.url, self.instance.kind, self.instance.verify_tls)
        self.fields["token"].help_text = (
            _("A token is stored. Enter another one to replace it.")
            if stored
            else _("Plex: X-Plex-Token. Emby and Jellyfin: an API key. It is stored encrypted and never shown again.")
        )

    def clean_url(self) -> str:
        try:
            return check_base_url(self.cleaned_data["url"])
        except UsageError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_ca_file(self) -> str:
        name = str(self.cleaned_data["ca_file"]).strip()
        if name and not os.path.isfile(name):
            raise forms.ValidationError(_("There is no such file on this machine."))
        return name

    def clean_token(self) -> str:
        token = str(self.cleaned_data["token"])
        if not (token.isascii() and (token.isprintable() or not token)):
            raise forms.ValidationError(_("The token has characters that no token has."))
        return token

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        target = (cleaned.get("url"), cleaned.get("kind"), cleaned.get("verify_tls"))
        if not cleaned.get("token") and "token" not in self.errors:
            if not self.instance.token_sealed:
                self.add_error("token", _("Enter the token."))
            elif not self.errors and moved(self.initial_target, target):
                # Else whoever may edit a server could have its token sent to an address of their own.
                self.add_error("token", _("Enter the token again, since it is to be sent elsewhere."))
        return cleaned


def moved(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Tell whether the token would go to another address, or over a connection that is checked less."""
    return before[:2] != after[:2] or (before[2] and not after[2])
