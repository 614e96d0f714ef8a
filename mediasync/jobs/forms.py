"""Forms: the scope of a job to start, and a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.ui import press

from . import registry, schedules
from .models import Schedule
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


class ScheduleForm(forms.ModelForm[Schedule]):
    """A schedule whose kind, scope and times are understood before it is saved; of kinds that its maker may start."""

    user: Any = None  # the admin makes a class with whoever asks
    kind = forms.ChoiceField(label=_("Kind"))

    class Meta:
        model = Schedule
        fields = ("name", "kind", "scope", "every", "cron", "timezone", "enabled")
        labels = {"every": _("Every (seconds)"), "cron": _("Cron line"), "timezone": _("Time zone")}  # noqa: RUF012
        help_texts = {  # noqa: RUF012
            "every": _("Either an interval or a cron line."),
            "cron": _("Minute, hour, day of the month, month, day of the week: “30 4 * * *” is every day at 04:30."),
            "timezone": _("For the cron line, as in Asia/Seoul."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:  # not for a reader, who gets no fields
            field = self.fields["kind"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(kind.name, kind.label) for kind in registry.kinds() if kind.allows(self.user)]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            kind = registry.kind(cleaned["kind"])
            cleaned["scope"] = kind.check_scope(cleaned.get("scope") or {})
            times = {name: cleaned.get(name) for name in ("every", "timezone")}
            schedules.check_times(Schedule(**times, cron=cleaned.get("cron") or ""))
        except MediasyncError as error:
            raise ValidationError(press.told(error)) from error
        if not kind.allows(self.user, cleaned["scope"]):
            raise ValidationError(_("You may start jobs of this kind, but not with this scope."))
        return cleaned
