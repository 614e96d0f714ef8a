"""Forms: a source or a storage with what its plug-in asks for, a job, a playlist, and a file of playlists."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, ClassVar

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.core.paths import normalise

from .models import Source, StorageBackend
from .sources.base import Reach

OPTION, FORGET, SECRET = "option_", "forget_secret", "secret"
LABELS = {
    "address": _("Address"),
    "urls": _("Addresses, one a line"),
    "feeds": _("Addresses of the feeds, one a line"),
    "list": _("Address of a list of addresses"),
    "user": _("User"),
    "users": _("Users, one a line"),
    "folder": _("Folder"),
    "bucket": _("Bucket"),
    "endpoint": _("Endpoint"),
    "region": _("Region"),
    "base_prefix": _("Folder in it, put before each key"),
    "addressing_style": _("Addressing style (auto, path or virtual)"),
    "public_base_url": _("Public address of the files"),
    "credential_env_prefix": _("Prefix of the environment variables with its keys"),
    "relay": _("Address of a relay that is asked instead"),
    "command": _("Command, one argument a line"),
    "timeout": _("Longest time (seconds)"),
    "env": _("Environment variables that it may see, one a line"),
}
MANY_LINES = {"urls", "feeds", "users"}
PLACES = ("address", "list", "urls", "relay")  # where secrets are sent to
LISTS = {"command", "env"}  # stored as a list, one entry a line
SLOWEST = 3600  # seconds between two questions


class PluggedForm(forms.ModelForm[Any]):
    """Edit a row that stands for a plug-in. A secret can be entered, replaced and forgotten, never read."""

    plugin_class: ClassVar[Any] = None
    settings_name: ClassVar[str] = "settings"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = getattr(self.instance, self.settings_name)
        for name in option_names(self.plugin_class):
            if OPTION + name in self.fields:
                self.fields[OPTION + name].initial = shown(stored.get(name, ""))
        self.has_secret = bool(getattr(self.instance, "secret_sealed", ""))
        if self.has_secret and SECRET in self.fields:
            self.fields[SECRET].help_text = _("Stored. Enter another one to replace it.")
        elif FORGET in self.fields:
            del self.fields[FORGET]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._clean_folder(cleaned)
        before = getattr(self.instance, self.settings_name)
        kept = {name: value for name, value in before.items() if name not in option_names(self.plugin_class)}
        self.options = kept
        for name in option_names(self.plugin_class):
            given = str(cleaned.get(OPTION + name) or "").strip()
            value = [line.strip() for line in given.splitlines() if line.strip()] if name in LISTS else given
            if value:
                self.options[name] = value
        moved = self.instance.pk and any(self.options.get(name) != before.get(name) for name in PLACES)
        if self.has_secret and moved and not cleaned.get(SECRET) and not cleaned.get(FORGET):
            self.add_error(SECRET, _("Enter it again, since it is to be sent elsewhere."))
        if self.plugin_class is not None and not self.errors:
            try:
                self._build(cleaned)
            except MediasyncError as error:
                raise forms.ValidationError(str(error)) from None
        return cleaned

    def _clean_folder(self, cleaned: dict[str, Any]) -> None:
        """Keep a folder by the one name that it has, so that no two storages are the same."""
        folder = str(cleaned.get("container_name") or "")
        if getattr(self.plugin_class, "kind", "") != StorageBackend.Kind.LOCAL or not folder:
            return
        with suppress(ValueError):  # the plug-in says what is wrong with it
            cleaned["container_name"] = folder = normalise(folder)
        others = StorageBackend.objects.filter(kind=StorageBackend.Kind.LOCAL, container_name=folder)
        if other := others.exclude(pk=self.instance.pk).first():
            self.add_error("container_name", _("This folder is the storage “%s” already.") % other.name)

    def _build(self, cleaned: dict[str, Any]) -> None:
        """Let the plug-in say what is wrong with its settings; nobody is asked."""
        if self.settings_name == "config":
            self.plugin_class(cleaned.get("container_name", ""), self.options)
            return
        kept = "kept" if self.has_secret and not cleaned.get(FORGET) else ""
        reach = Reach(http=None, settings=self.options, secret=cleaned.get(SECRET) or kept, platform=cleaned["name"])
        names = () if self._meta.model is Source else (cleaned["name"],)
        self.plugin_class(reach, *names)

    @property
    def new_secret(self) -> str | None:
        """The secret to store; "" to forget it, None to leave it."""
        if self.cleaned_data.get(SECRET):
            return str(self.cleaned_data[SECRET])
        return "" if self.cleaned_data.get(FORGET) else None


def option_names(plugin: Any) -> list[str]:
    """Return what a plug-in asks for, but for its secret."""
    return [name for name in getattr(plugin, "fields", ()) if name != SECRET]


def form_for(model: type[models.Model], plugin: Any, columns: tuple[str, ...]) -> type[PluggedForm]:
    """Return the form of a plug-in: the columns of its row, and what it asks for."""
    fields: dict[str, Any] = {"plugin_class": plugin, "settings_name": settings_of(model)}
    for name in option_names(plugin):
        widget = (
            forms.Textarea(attrs={"rows": 4})
            if name in MANY_LINES | LISTS
            else forms.TextInput(attrs={"class": "vTextField"})
        )
        label = LABELS.get(name, name.replace("_", " ").capitalize())
        fields[OPTION + name] = forms.CharField(label=label, required=False, max_length=20_000, widget=widget)
    if SECRET in getattr(plugin, "fields", ()):
        hidden = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
        fields[SECRET] = forms.CharField(
            label=_("Password or token"), required=False, strip=False, max_length=2000, widget=hidden
        )
        fields[FORGET] = forms.BooleanField(label=_("Forget the stored one"), required=False)
    if "pace" in columns:
        usual = forms.fields_for_model(model, ["pace"])["pace"].initial
        fields["pace"] = forms.FloatField(
            label=_("Seconds between two questions"), min_value=0, max_value=SLOWEST, initial=usual
        )
    widgets = {"container_name": forms.TextInput(attrs={"class": "vTextField"})}
    fields["Meta"] = type("Meta", (), {"model": model, "fields": columns, "widgets": widgets})
    return type("PluggedForm", (PluggedForm,), fields)


def settings_of(model: type[models.Model]) -> str:
    """Return the name of the column that holds what the plug-in asks for."""
    return "config" if model is StorageBackend else "settings"


def shown(value: Any) -> str:
    """Return a setting as the form shows it."""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
