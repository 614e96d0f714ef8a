"""The form of an image host: the fields of all kinds in one form, of which those of the chosen kind count."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from mediasync.core import secrets
from mediasync.core.errors import MediasyncError
from mediasync.servers.services import keys
from mediasync.ui.press import told

from . import hosts
from .hosts.base import Field, Kind
from .models import ImageHost


def name_of(kind: Kind, field: Field) -> str:
    """Return the name of the form's field for a setting of a kind."""
    return f"{kind.name}_{field.name}"


def form_fields() -> dict[str, forms.Field]:
    """Return a form field for each setting of each kind."""
    return {name_of(kind, each): _field(each) for kind in hosts.KINDS.values() for each in kind.fields}


def _field(each: Field) -> forms.Field:
    options: dict[str, Any] = {"label": each.label, "help_text": each.help, "required": False, "max_length": 2000}
    if each.secret:
        hidden = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "size": 60})
        return forms.CharField(widget=hidden, **options)
    shown = forms.TextInput(attrs={"size": 60, "autocomplete": "off"})
    return forms.CharField(widget=shown, initial=each.default, **options)


class HostForm(forms.ModelForm[ImageHost]):
    """Edit an image host. Its secret can be set and replaced, never read."""

    kind = forms.ChoiceField(label=_("Kind"))

    class Meta:
        model = ImageHost
        fields = ("name", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" not in self.fields:  # for a reader
            return
        self.fields["kind"].choices = [(kind.name, kind.label) for kind in hosts.KINDS.values()]  # type: ignore[attr-defined]
        for kind in hosts.KINDS.values():
            for each in kind.fields:
                name = name_of(kind, each)
                if name not in self.fields:
                    continue
                if self.instance.kind == kind.name and not each.secret:
                    self.initial[name] = self.instance.settings.get(each.name, each.default)
                elif self.instance.kind == kind.name and self.instance.secret_sealed:
                    self.fields[name].help_text = _("A secret is stored. Enter another one to replace it.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        kind = hosts.kind(cleaned["kind"])
        self.secret: str | None = next(
            (cleaned.get(name_of(kind, each)) or None for each in kind.fields if each.secret), None
        )
        settings = {each.name: cleaned.get(name_of(kind, each), "") for each in kind.fields if not each.secret}
        if self._goes_elsewhere(kind, settings) and not self.secret:
            # Else whoever may edit a host could have its secret sent to an address of their own.
            raise ValidationError(_("Enter the secret again, since it is to be sent elsewhere."))
        try:
            kind.make(settings, self.secret or self._stored(kind))
        except MediasyncError as error:
            raise ValidationError(told(error)) from None
        self.instance.settings = settings
        if self.instance.kind != kind.name and self.secret is None:
            self.secret = ""  # that of another kind
        return cleaned

    def _stored(self, kind: Kind) -> str:
        if self.instance.kind != kind.name:
            return ""
        return secrets.unseal(self.instance.secret_sealed, keys())

    def _goes_elsewhere(self, kind: Kind, settings: dict[str, Any]) -> bool:
        before = self.instance
        if not before.pk or not before.secret_sealed or before.kind != kind.name:
            return False
        return bool(settings.get("endpoint", "") != before.settings.get("endpoint", ""))


ImageHostForm: type[HostForm] = type("ImageHostForm", (HostForm,), {**form_fields(), "__module__": __name__})
