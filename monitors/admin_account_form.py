"""The form of an account, made from what its kind asks for. Secrets can be set, replaced and forgotten, never read."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError

from .accounts import KINDS, Field, services
from .models import Account

OPTION, FORGET = "option_", "forget_"


class AccountForm(forms.ModelForm[Account]):
    """Edit an account. Its secrets go only where they were entered for."""

    kind_name: ClassVar[str] = ""

    class Meta:
        model = Account
        fields = ("name", "enabled", "per_second", "per_day")
        labels: ClassVar = {
            "name": _("Name"),
            "enabled": _("In use"),
            "per_second": _("Requests a second"),
            "per_day": _("Requests a day"),
        }
        help_texts: ClassVar = {
            "per_second": _("At most, by all roots together. 0: as this kind of account bears."),
            "per_day": _("At most; then nothing is asked until the next day (UTC). 0: any number."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = services.known_secrets(self.instance)
        for field in kind_fields(self.kind_name):
            shown = self.fields[OPTION + field.name]
            if not field.secret:
                shown.initial = self.instance.options.get(field.name, field.default)
            elif field.name in self.stored:
                shown.help_text = _("Stored. Enter another one to replace it.")
            if field.secret and field.name not in self.stored:
                del self.fields[FORGET + field.name]

    def clean_per_second(self) -> float:
        value: float = self.cleaned_data["per_second"]
        if not 0 <= value <= 1000:
            raise forms.ValidationError(_("Between 0 and 1000."))
        return value

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors or not self.kind_name:
            return cleaned
        try:
            self.options, self.hidden = services.checked(self.kind_name, self._values(cleaned))
        except UsageError as error:
            raise forms.ValidationError(str(error)) from None
        self._stay_there(cleaned)
        return cleaned

    def _values(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Return options and secrets as they would be."""
        values: dict[str, Any] = {}
        for field in kind_fields(self.kind_name):
            given = cleaned.get(OPTION + field.name)
            if field.secret and not given and not cleaned.get(FORGET + field.name):
                given = self.stored.get(field.name, "")
            values[field.name] = given if field.kind == "bool" else given or ""
        return values

    def _stay_there(self, cleaned: dict[str, Any]) -> None:
        """Ask for secrets again when they are to be sent elsewhere: else whoever may edit could have them sent away."""
        before = self.instance.options
        moved = any(
            field.place and self.options[field.name] != before.get(field.name, field.default)
            for field in kind_fields(self.kind_name)
        )
        for field in kind_fields(self.kind_name) if self.instance.pk and moved else ():
            if field.secret and self.hidden.get(field.name) and not cleaned.get(OPTION + field.name):
                self.add_error(OPTION + field.name, _("Enter it again, since it is to be sent elsewhere."))


def kind_fields(kind: str) -> list[Field]:
    """Return what a kind asks for."""
    return list(KINDS[kind].fields) if kind in KINDS else []


def form_for(kind: str) -> type[AccountForm]:
    """Return the form of a kind ("" for the columns alone)."""
    fields: dict[str, Any] = {"kind_name": kind}
    for each in kind_fields(kind):
        fields[OPTION + each.name] = _form_field(each)
        if each.secret:
            label = _("Forget the stored one")
            fields[FORGET + each.name] = forms.BooleanField(label=label, required=False)
    return type("AccountForm", (AccountForm,), fields)


def names_of(kind: str, stored: dict[str, str]) -> list[str]:
    """Return the names of a kind's form fields, in their order."""
    names = []
    for each in kind_fields(kind):
        names.append(OPTION + each.name)
        if each.secret and each.name in stored:
            names.append(FORGET + each.name)
    return names


def _form_field(field: Field) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "help_text": field.help, "required": False}
    if field.kind == "bool":
        return forms.BooleanField(**common)
    if field.kind == "choice":
        return forms.ChoiceField(choices=field.choices, **common)
    if field.kind == "long":
        return forms.CharField(strip=False, widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}), **common)
    if field.secret:
        widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
        return forms.CharField(strip=False, max_length=2000, widget=widget, **common)
    return forms.CharField(max_length=1000, widget=forms.TextInput(attrs={"class": "vTextField"}), **common)
