"""The forms of the clean-up: a data folder with its policy, what is to be planned, a schedule, an image host."""

from __future__ import annotations

import zoneinfo
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from mediasync.core import paths
from mediasync.core.errors import MediasyncError
from mediasync.servers.models import Server
from mediasync.ui.press import told

from . import admin_policy_form as policy_form
from . import folders, scopes, steps
from . import policy as policies
from .models import PlexFolder
from .plexdata import layout, places

Cleaned = dict[str, Any]


class FolderForm(forms.ModelForm[PlexFolder]):
    """Edit a data folder; the fields of its policy are added below."""

    name = forms.CharField(label=_("Name"), max_length=100, required=False, help_text=_("Left empty, one is chosen."))

    class Meta:
        model = PlexFolder
        fields = ("name", "path", "cache_path", "server", "quarantine_path", "quarantine_days", "image_host")
        widgets: ClassVar = {
            name: forms.TextInput(attrs={"size": 70}) for name in ("path", "cache_path", "quarantine_path")
        }
        help_texts: ClassVar = {
            "path": _("The folder that holds Metadata, Media and Plug-in Support, as this machine sees it."),
            "cache_path": _("PhotoTranscoder, where it lies elsewhere (macOS)."),
            "server": _("Asked whether it runs, is busy or watched, and for its own jobs."),
            "quarantine_path": _("Empty: mediasync-quarantine in the data folder, where moving costs nothing."),
            "quarantine_days": _("Then it is deleted for good, by itself."),
            "image_host": _("Where art without a web address is put; none: it stays as it is."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            policy = policies.of(self.instance.policy)
        except MediasyncError:  # it was written by hand, or by another version: saving mends it
            policy = policies.Policy()
        for name, value in policy_form.shown(policy).items():
            self.initial.setdefault(name, value)
        if "server" in self.fields:
            self.fields["server"].queryset = Server.objects.filter(kind="plex")  # type: ignore[attr-defined]

    def clean_path(self) -> str:
        try:
            return folders.check(paths.from_argument(self.cleaned_data["path"]), self.instance.pk)
        except MediasyncError as error:
            raise ValidationError(told(error)) from None

    def clean(self) -> Cleaned:
        cleaned = super().clean() or self.cleaned_data
        for name in ("cache_path", "quarantine_path"):
            if value := cleaned.get(name):
                try:
                    cleaned[name] = paths.normalise(value)
                except ValueError as error:
                    self.add_error(name, str(error))
        if not self.errors:
            try:
                places.resolve(cleaned["path"], cleaned.get("cache_path", ""))
                entered = policy_form.entered(cleaned)
                policies.of(entered)
                self.instance.policy = entered
            except MediasyncError as error:
                raise ValidationError(told(error)) from None
            cleaned["name"] = cleaned.get("name") or self.instance.name or folders.free_name()
        return cleaned


PlexFolderForm: type[FolderForm] = type(
    "PlexFolderForm", (FolderForm,), {**policy_form.form_fields(), "__module__": __name__}
)


class Choice(forms.MultipleChoiceField):
    """Boxes to tick, side by side, none of them needed."""

    def __init__(self, choices: Any, **options: Any) -> None:
        widget = forms.CheckboxSelectMultiple(attrs={"class": "ms-inline"})
        super().__init__(choices=choices, required=False, widget=widget, **options)


class Numbers(forms.CharField):
    """Numbers with commas between them."""

    def clean(self, value: Any) -> list[int]:
        words = str(super().clean(value)).replace(",", " ").split()
        if wrong := [word for word in words if not (word.isascii() and word.isdecimal())]:
            raise ValidationError(_("Not a number: %s") % ", ".join(wrong))
        return [int(word) for word in words]


class WhatForm(forms.Form):
    """What is looked for: steps, and what they are limited to."""

    steps = forms.MultipleChoiceField(
        label=_("Steps"), choices=[(name, name) for name in steps.NAMES], widget=forms.CheckboxSelectMultiple
    )
    types = Choice([(name, name) for name in scopes.TYPES], label=_("Only these folders"), help_text=_("None: all."))
    prefixes = Choice(
        [(each, each) for each in layout.PREFIXES],
        label=_("Only bundles that begin with"),
        help_text=_("None: all. A sixteenth of the folder each, so a run can be tried out on a part."),
    )
    sections = Numbers(label=_("Only these libraries"), required=False, help_text=_("Their numbers; none: all."))
    limit = forms.IntegerField(label=_("At most so many rows"), required=False, min_value=0, help_text=_("0: all."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["steps"].choices = [(name, label(name)) for name in steps.NAMES]  # type: ignore[attr-defined]

    def scope(self) -> Cleaned:
        """Return steps and filters as a scope has them."""
        cleaned = self.cleaned_data
        return {name: cleaned.get(name) or () for name in ("steps", "types", "prefixes", "sections")} | {
            "limit": cleaned.get("limit") or 0
        }


class PlanForm(WhatForm):
    """For "Start a job": a data folder, too. ``cleaned_data`` is the scope of the job."""

    folder = forms.ModelChoiceField(label=_("Data folder"), queryset=PlexFolder.objects.order_by("name"))
    field_order = ("folder", "steps")

    def clean(self) -> Cleaned:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            return scopes.check_plan({"folder": cleaned["folder"].pk, **self.scope()})
        except MediasyncError as error:
            raise ValidationError(told(error)) from None


class CleanupScheduleForm(WhatForm):
    """When the steps are taken by themselves, and whether that only plans."""

    name = forms.CharField(label=_("Name"), max_length=80)
    cron = forms.CharField(
        label=_("When (cron line)"),
        initial="30 4 * * *",
        max_length=100,
        help_text=_("Minute, hour, day of the month, month, day of the week: “30 4 * * *” is every day at 04:30."),
    )
    timezone = forms.CharField(label=_("Time zone"), max_length=64, help_text=_("As in Asia/Seoul."))
    apply = forms.BooleanField(
        label=_("Carry it out"),
        required=False,
        help_text=_("Below the limits of the policy nobody is asked. Otherwise the plan waits for a person."),
    )
    field_order = ("name", "cron", "timezone", "apply", "steps")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["timezone"].initial = settings.TIME_ZONE

    def clean_timezone(self) -> str:
        name = str(self.cleaned_data["timezone"])
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValidationError(_("There is no time zone %s.") % name) from None
        return name


class AcceptForm(forms.Form):
    """The number of files that a person read and typed; groups of digits may be parted."""

    number = forms.CharField(max_length=30)

    def clean_number(self) -> int:
        digits = "".join(char for char in str(self.cleaned_data["number"]) if char not in ",.'_ \u00a0\u202f")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValidationError(_("Type the number of files."))
        return int(digits)


def label(step: str) -> str:
    """Return a step for people: its name, and what it adds to the one before it."""
    if step == "all":
        return f"{step} · {_('everything that the policy allows')}"
    family, _colon, number = step.rpartition(":")
    known: set[Any] = set()
    if number.isdecimal() and int(number) > 1:
        known = set(steps.classes_of(f"{family}:{int(number) - 1}"))
    new = [str(klass.label) for klass in steps.classes_of(step) if klass not in known]
    return f"{step} · {', '.join(new) or _('the same as the step before')}"
