"""Forms: the scope of a scan, a mapping rule, and the path that the tester tries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.servers.models import Server

from . import kinds, mapping
from .models import PathMapping


class ScanForm(forms.Form):
    """Paths of this machine, one a line, and perhaps one server."""

    paths = forms.CharField(
        label=_("Paths"),
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("As this machine names them, one a line."),
    )
    server = forms.ModelChoiceField(
        Server.objects.filter(enabled=True), label=_("Server"), required=False, empty_label=_("All servers")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        scope: dict[str, Any] = {"paths": [line for line in cleaned.get("paths", "").splitlines() if line.strip()]}
        if cleaned.get("server"):
            scope["server"] = cleaned["server"].pk
        try:
            return kinds.check_scan(scope)
        except UsageError as error:
            raise ValidationError(str(error)) from error


class MappingForm(forms.ModelForm[PathMapping]):
    """A rule that can work."""

    class Meta:
        model = PathMapping
        fields = ("space", "order", "source", "server", "pattern", "replacement", "regex", "enabled", "note")
        widgets = {  # noqa: RUF012
            "pattern": forms.TextInput(attrs={"size": 80}),
            "replacement": forms.TextInput(attrs={"size": 80}),
        }
        help_texts = {  # noqa: RUF012
            "order": _("Rules are tried in this order; the first that matches wins."),
            "source": _("For source rules: only what this source says (sonarr, radarr, …); empty = every source."),
            "server": _("For server rules: only this server; empty = every server."),
            "pattern": _("A folder: it and all in it match. As a regular expression: from the start of the path."),
            "replacement": _("What stands there instead. $1 … $9 and ${name} are groups of a regular expression."),
        }

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            mapping.check(cleaned["pattern"], cleaned["replacement"], cleaned["regex"])
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return cleaned


class TryForm(forms.Form):
    """The path that the tester follows."""

    path = forms.CharField(label=_("Path as it arrives"), widget=forms.TextInput(attrs={"size": 80}), strip=False)
    source = forms.CharField(
        label=_("Source"), required=False, max_length=50, widget=forms.TextInput(attrs={"list": "ms-sources"}),
        help_text=_("Who names it so (sonarr, the name of a hook …). Empty: a path of this machine."),
    )  # fmt: skip


class SuggestionForm(forms.Form):
    """A suggested rule, as its button sends it."""

    server = forms.ModelChoiceField(Server.objects.filter(enabled=True))
    pattern = forms.CharField(strip=False)
    replacement = forms.CharField(strip=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                mapping.check(cleaned["pattern"], cleaned["replacement"], False)
            except ValueError as error:
                raise ValidationError(str(error)) from error
        return cleaned
