"""Forms: the scope of a job to start, and a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from .registry import JobKind


class ScopeForm(forms.Form):
    """For a kind that brings no form of its own: its scope as JSON."""

    scope = forms.JSONField(
        label=_("Scope (JSON)"), initial=dict, required=False, widget=forms.Textarea(attrs={"rows": 6})
    )

    def clean_scope(self) -> dict[str, Any]:
        scope = self.cleaned_data["scope"]
        if scope is None:
            return {}
        if not isinstance(scope, dict):
            raise ValidationError(_("The scope must be a JSON object, as in {}."))
        return scope


def scope_form(kind: JobKind, data: Mapping[str, Any] | None = None) -> forms.Form:
    """Return the kind's own form, or the JSON one."""
    form: type[forms.Form] = import_string(kind.form) if kind.form else ScopeForm
    return form(data)


def scope_of(form: forms.Form) -> dict[str, Any]:
    """Return the scope that a valid form stands for."""
    scope: dict[str, Any] = form.cleaned_data["scope"] if isinstance(form, ScopeForm) else form.cleaned_data
    return scope
