"""The form of an image host: the fields of all kinds in one form, of which those of the chosen kind count."""

from __future__ import annotations

from typing import Any, ClassVar

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
    return {name_of(kind, each): _field(each) for kind in hosts.KINDS.values() for each in shown_of(kind)}


def shown_of(kind: Kind) -> list[Field]:
    """Return the settings of a kind that are no secret."""
    return [each for each in kind.fields if not each.secret]


def _field(each: Field) -> forms.Field:
    options: dict[str, Any] = {"label": each.label, "help_text": each.help, "required": False, "max_length": 2000}
    shown = forms.TextInput(attrs={"size": 60, "autocomplete": "off"})
    return forms.CharField(widget=shown, initial=each.default, **options)


class HostForm(forms.ModelForm[ImageHost]):
    """Edit an image host. Its secret can be set and replaced, never read."""

    kind = forms.ChoiceField(label=_("Kind"))
    secret = forms.CharField(  # one for all kinds: browsers want one password in a form
        label=_("Secret"),
        required=False,
        max_length=2000,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "size": 60}),
    )

    class Meta:
        model = ImageHost
        fields = ("name", "kind")
        widgets: ClassVar = {"name": forms.TextInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" not in self.fields:  # for a reader
            return
        self.fields["kind"].choices = [(kind.name, kind.label) for kind in hosts.KINDS.values()]  # type: ignore[attr-defined]
        self.fields["kind"].help_text = " ".join(str(kind.warning) for kind in hosts.KINDS.values())
        wanted = [f"{kind.label}: {each.label}" for kind in hosts.KINDS.values() for each in kind.fields if each.secret]
        stored = _("A secret is stored. Enter another one to replace it.") if self.instance.secret_sealed else ""
        self.fields["secret"].help_text = f"{' · '.join(wanted)}. {stored}"
        if self.instance.kind in hosts.KINDS:
            kind = hosts.KINDS[self.instance.kind]
            found = {name_of(kind, each): self.instance.settings.get(each.name, "") for each in shown_of(kind)}
            self.initial.update(found)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        kind = hosts.kind(cleaned["kind"])
        self.entered: str | None = cleaned.get("secret") or None
        settings = {each.name: cleaned.get(name_of(kind, each), "") for each in shown_of(kind)}
        if self._goes_elsewhere(kind, settings) and not self.entered:
            # Else whoever may edit a host could have its secret sent to an address of their own.
            raise ValidationError(_("Enter the secret again, since it is to be sent elsewhere."))
        try:
            kind.make(settings, self.entered or self._stored(kind))
        except MediasyncError as error:
            raise ValidationError(told(error)) from None
        self.instance.settings = settings
        if self.instance.kind != kind.name and self.entered is None:
            self.entered = ""  # that of another kind
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
