"""The policy of a data folder as fields of a form, one by one, in plain words and in groups."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise as Text

from . import policy as policies
from .apply_after import ASKED
from .choices import Klass
from .policy import GIB, Policy

PREFIX = "policy_"
COLUMNS: tuple[tuple[str, Text], ...] = (
    ("thumb", _("Posters and thumbnails")),
    ("art", _("Art (may crash Plex; it is watched and rolled back)")),
    ("banner", _("Banners")),
    ("music", _("Theme music")),
    ("clear_logo", _("Logos")),
    ("square_art", _("Square art")),
)
JOBS: dict[str, Text] = {
    "clean_bundles": _("Clean bundles"),
    "optimize": _("Optimize the database"),
    "empty_trash": _("Empty the trash"),
}
CHOICES: dict[str, list[tuple[str, Text]]] = {
    "classes": [(each.value, each.label) for each in Klass if each != Klass.BROKEN],  # that one is only reported
    "columns": list(COLUMNS),
    "ask_after": [(name, JOBS[name]) for name in ASKED],
}
SHARES = ("most_share", "shrink", "url_sample")  # 0 to 1; shown as percent
SIZES = ("cache_budget", "most_bytes")  # bytes; shown as GiB

WORDS: dict[str, tuple[Text, Text]] = {
    "classes": (_("What may go"), _("A step does nothing of what is not ticked here.")),
    "columns": (_("Pictures that may become web addresses"), ""),
    "orphan_days": (_("Age of bundles that nothing belongs to"), _("Days; every file in it must be older.")),
    "upload_days": (_("Age of uploads"), _("Days; younger ones stay.")),
    "upload_newest": (_("Newest uploads that stay"), _("Of each folder of uploads.")),
    "overlays_only": (_("Of the uploads only what Kometa drew on"), ""),
    "upload_themes": (_("Also uploaded theme music that is not used"), ""),
    "cache_days": (_("Age of cached pictures"), _("Days since they were used last; 0: all of them.")),
    "cache_budget": (_("Most that the cache may keep"), _("GiB; the oldest go first; 0: no limit.")),
    "cache_at_once": (_("Delete cached pictures at once"), _("Plex makes them again; no quarantine is needed.")),
    "unproven": (_("Also addresses that no digest proves"), _("The picture may then be another one.")),
    "locked": (_("Also pictures that a person locked"), ""),
    "unknown_locked": (
        _("Take locks of an unknown kind for locks of pictures"),
        _("Counts where no server can be asked which fields are locked."),
    ),
    "elsewhere": (
        _("Plex runs elsewhere"),
        _("The libraries' own folders cannot be seen from here: only Plex's word tells whether one is missing."),
    ),
    "plain_http": (_("Also addresses without TLS"), _("Browsers block them on https pages.")),
    "collections": (_("Also posters of members of collections"), _("Plex makes pictures of collections from them.")),
    "live_deletes": (_("Put unused files away while Plex runs"), _("Only while it neither scans nor refreshes.")),
    "live_writes": (_("Write Plex's database while it runs"), _("Only while it is idle; safer is to stop Plex.")),
    "idle_only": (_("Only when nobody watches"), ""),
    "hours_from": (_("Scheduled runs from"), _("Hour of the day, 0 to 23, in the time zone of the installation.")),
    "hours_to": (_("Scheduled runs until"), _("Hour of the day; the same as the first: at any time.")),
    "checksum": (_("Note a digest of each file that is put away"), _("Reads every file, so it is slow.")),
    "delete_at_once": (_("Delete without quarantine"), _("There is no way back then. It asks a person twice.")),
    "ask_after": (_("Ask Plex afterwards"), _("Each is awaited.")),
    "most_files": (_("Most files of one run"), _("A plan with more is refused.")),
    "most_bytes": (_("Most bytes of one run"), _("GiB; a plan with more is refused.")),
    "most_share": (_("Most bundles that may be orphans"), _("Percent of all; a plan with more is refused.")),
    "shrink": (_("Most that the database may have lost"), _("Percent since the last plan; else it is not believed.")),
    "url_sample": (_("Pictures loaded in full"), _("Percent of the addresses; of the others only the first byte.")),
    "url_per_second": (_("Questions to one web host"), _("A second.")),
    "url_days": (_("An answer is believed for"), _("Days.")),
}
GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (_("What may go"), ("classes", "columns", "orphan_days", "cache_days", "cache_budget", "cache_at_once")),
    (_("Uploads"), ("upload_days", "upload_newest", "overlays_only", "upload_themes")),
    (
        _("Web addresses"),
        (
            *("unproven", "plain_http", "locked", "unknown_locked", "collections"),
            *("url_sample", "url_per_second", "url_days"),
        ),
    ),
    (_("While Plex runs"), ("live_deletes", "live_writes", "idle_only", "hours_from", "hours_to", "elsewhere")),
    (_("Afterwards"), ("checksum", "delete_at_once", "ask_after")),
    (_("Limits of one run"), ("most_files", "most_bytes", "most_share", "shrink")),
)


def names() -> tuple[str, ...]:
    """Return the names of all settings of a policy."""
    return tuple(each.name for each in fields(Policy))


def groups() -> list[tuple[Text, list[str]]]:
    """Return (title, names of form fields); what is in no group stands in the last one."""
    known = names()
    found = [(title, [name for name in wanted if name in known]) for title, wanted in GROUPS]
    placed = {name for _title, wanted in found for name in wanted}
    found[-1][1].extend(name for name in known if name not in placed)
    return [(title, [PREFIX + name for name in wanted]) for title, wanted in found]


def form_fields() -> dict[str, forms.Field]:
    """Return a form field for each setting of a policy."""
    return {PREFIX + name: _field(name, getattr(Policy(), name)) for name in names()}


def shown(policy: Policy) -> dict[str, Any]:
    """Return the initial values of the fields."""
    return {PREFIX + name: _to_form(name, getattr(policy, name)) for name in names()}


def entered(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Return what ``PlexFolder.policy`` stores: only what differs from the defaults."""
    default = policies.stored(Policy())
    found = {name: _from_form(name, cleaned[PREFIX + name]) for name in names() if PREFIX + name in cleaned}
    return {name: value for name, value in found.items() if value != default[name]}


def _field(name: str, default: Any) -> forms.Field:
    label, text = WORDS.get(name, (name.replace("_", " "), ""))
    options: dict[str, Any] = {"label": label, "help_text": text, "required": False}
    if isinstance(default, bool):
        return forms.BooleanField(**options)
    if isinstance(default, tuple):
        widget = forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(choices=CHOICES.get(name, ()), widget=widget, **options)
    options |= {"required": True, "min_value": 0}
    if name.startswith("hours_"):
        return forms.IntegerField(**options, max_value=23)
    if name in SHARES:
        return forms.FloatField(**options, max_value=100)
    if isinstance(default, float) or name in SIZES:
        return forms.FloatField(**options)
    return forms.IntegerField(**options)


def _to_form(name: str, value: Any) -> Any:
    if name in SIZES:
        return round(value / GIB, 3)
    return round(value * 100, 3) if name in SHARES else list(value) if isinstance(value, tuple) else value


def _from_form(name: str, value: Any) -> Any:
    if name in SIZES:
        return round(value * GIB)
    if name in SHARES:
        return round(value / 100, 5)
    known = [choice for choice, _label in CHOICES.get(name, ())]
    return sorted(value, key=known.index) if isinstance(value, list) else value
