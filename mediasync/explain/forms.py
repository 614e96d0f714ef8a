"""The path that is asked about."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class ExplainForm(forms.Form):
    """A path, and who names it so."""

    path = forms.CharField(
        label=_("Path"), widget=forms.TextInput(attrs={"size": 80}), strip=False, max_length=4096,
        help_text=_("A file or a folder; it need not exist."),
    )  # fmt: skip
    source = forms.CharField(
        label=_("Source"), required=False, max_length=50, widget=forms.TextInput(attrs={"list": "ms-sources"}),
        help_text=_("Who names it so (sonarr, the name of a hook …). Empty: a path of this machine."),
    )  # fmt: skip
