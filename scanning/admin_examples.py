"""Examples of the mapping rules in the admin: do they still hold?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.buttons import button
from mediasync.ui.render import age, badge, path

from . import examples, views
from .models import MappingExample


def columns(judge: examples.Judge) -> dict[str, Callable[[MappingExample], SafeString | str]]:
    """Return the columns that compare examples with what the rules make of them."""
    names = examples.server_names()

    @admin.display(description=_("State"))
    def holds(row: MappingExample) -> SafeString:
        return badge(_("Holds"), "ok") if judge.judge(row).holds else badge(_("Does not hold"), "bad")

    @admin.display(description=_("Expected"))
    def expects(row: MappingExample) -> SafeString:
        shown = [(names.get(key, f"#{key}"), views.answer(said)) for key, said in sorted(row.expected.items())]
        return format_html_join(SafeString("<br>"), "{}: {}", shown)

    @admin.display(description=_("Difference"))
    def differs(row: MappingExample) -> SafeString | str:
        shown = views.told(judge.judge(row))["differences"]
        return format_html_join(SafeString("<br>"), "{}", ((each,) for each in shown)) or "–"

    return {"holds": holds, "expects": expects, "differs": differs}


@admin.register(MappingExample)
class MappingExampleAdmin(ReadOnlyAdmin[MappingExample]):
    """Made on the page of the tester; judged when they are shown."""

    list_display = ("what", "source", "row_buttons", "saved")  # and those of ``columns``
    list_display_links = ("what",)
    search_fields = ("path",)
    ordering = ("id",)
    fields = ("what", "source", "local", "holds", "expects", "differs", "saved", "tried")
    list_links = ((_("Try a path"), "admin:scanning_pathmapping_try"),)

    def has_delete_permission(self, request: HttpRequest, obj: MappingExample | None = None) -> bool:
        return bool(request.user.has_perm("scanning.delete_mappingexample"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": _("Examples of the mapping rules"), **(extra_context or {})})

    @admin.display(description=_("Path as it arrives"), ordering="path")
    def what(self, row: MappingExample) -> SafeString:
        return path(row.path)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        cells = columns(examples.Judge())  # rules are read once for all rows
        what, source, buttons, saved = super().get_list_display(request)
        return [what, source, cells["holds"], buttons, cells["expects"], cells["differs"], saved]

    def get_readonly_fields(self, request: HttpRequest, obj: MappingExample | None = None) -> list[Any]:
        return ["what", "saved", "tried"]

    def get_fields(self, request: HttpRequest, obj: MappingExample | None = None) -> list[Any]:
        cells = columns(examples.Judge())
        return [cells.get(name, name) for name in self.fields]

    @admin.display(description=_("Saved"), ordering="saved_at")
    def saved(self, row: MappingExample) -> SafeString:
        return age(row.saved_at)

    @admin.display(description=_("Tester"))
    def tried(self, row: MappingExample) -> SafeString:
        address = reverse("admin:scanning_pathmapping_try")
        query = urlencode({"path": row.path, "source": row.source})
        return format_html('<a href="{}?{}">{}</a>', address, query, _("Try this path"))

    @button(_("Take as it is now"), bulk=True)
    def accept(self, request: HttpRequest, row: MappingExample) -> StrOrPromise:
        examples.accept(row)
        return _("%s: what the rules make of it now is right from now on.") % row
