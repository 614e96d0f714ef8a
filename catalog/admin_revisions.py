"""Configurations as they were: what changed, what is different now, and the way back."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.paths import for_people
from mediasync.ui.admin import ReadOnlyAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import age

from . import revisions
from .models import ConfigRevision
from .revisions import Difference

MOST = 100  # differences that a page shows


def table(found: list[Difference]) -> SafeString | str:
    """Return differences as lines: where, what it was, what it is."""
    rows = ((each.path, shown(each.before), shown(each.after)) for each in found[:MOST])
    line = "<dt>{}</dt><dd><del>{}</del> → <ins>{}</ins></dd>"
    return format_html('<dl class="ms-facts">{}</dl>', format_html_join("", line, rows)) if found else _t("Nothing.")


def shown(value: Any) -> str:
    """Return a value as people read it; an empty one as a dash."""
    return (
        "–" if value is None else for_people(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    )


@admin.register(ConfigRevision)
class ConfigRevisionAdmin(ReadOnlyAdmin[ConfigRevision]):
    list_display = ("name", "note", "actor", "row_buttons", "saved")
    ordering = ("-id",)
    fields = readonly_fields = ("note", "actor", "saved", "restored_from", "changed", "different")

    @display(description=_("Configuration"), ordering="id")
    def name(self, row: ConfigRevision) -> str:
        return f"#{row.pk}"

    @display(description=_("Saved"), ordering="created")
    def saved(self, row: ConfigRevision) -> SafeString:
        return age(row.created)

    @display(description=_("What it changed"))
    def changed(self, row: ConfigRevision) -> SafeString | str:
        before = ConfigRevision.objects.filter(pk__lt=row.pk).order_by("-pk").first()
        return table(revisions.compare(before.content, row.content)) if before else "–"

    @display(description=_("What is different now"))
    def different(self, row: ConfigRevision) -> SafeString | str:
        return table(revisions.compare(row.content, revisions.current()))

    @button(_("Save the present one"), on="list")
    def save_now(self, request: HttpRequest) -> Answer:
        row = revisions.save(_t("saved by hand"), actor(request))
        return _t("Saved as #%d.") % row.pk if row else _t("Nothing changed since the newest one.")

    @button(
        _("Restore"),
        confirm=lambda row: (
            _("Make sources and storages as they were in #%s? What came since is switched off; secrets stay.")
            % (row.pk if row else "")
        ),
        danger=True,
    )
    def restore(self, request: HttpRequest, row: ConfigRevision) -> Answer:
        left = revisions.restore(row.pk, actor(request))
        if left:
            text = _t("These come from the environment, and stay as they are: %s")
            messages.warning(request, text % ", ".join(left))
        return _t("#%d is restored.") % row.pk
