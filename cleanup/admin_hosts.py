"""Image hosts in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.core.errors import Permanent
from mediasync.ui.admin import ModelAdmin
from mediasync.ui.buttons import Answer, button

from . import hosting, hosts
from .admin_host_form import ImageHostForm, name_of, shown_of
from .models import ImageHost


@admin.register(ImageHost)
class ImageHostAdmin(ModelAdmin[ImageHost]):
    form = ImageHostForm
    list_display = ("name", "kind_label", "row_buttons", "note")
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "kind", "secret")}),
        *((kind.label, {"fields": [name_of(kind, each) for each in shown_of(kind)]}) for kind in hosts.KINDS.values()),
    )

    @admin.display(description=_("Kind"), ordering="kind")
    def kind_label(self, host: ImageHost) -> StrOrPromise:
        return hosts.KINDS[host.kind].label if host.kind in hosts.KINDS else host.kind

    @admin.display(description=_("Note"))
    def note(self, host: ImageHost) -> StrOrPromise:
        return (hosts.KINDS[host.kind].warning if host.kind in hosts.KINDS else "") or "–"

    def save_model(self, request: HttpRequest, obj: ImageHost, form: forms.ModelForm[ImageHost], change: bool) -> None:
        hosting.save(obj, getattr(form, "entered", None))

    @button(_("Test"))
    def test(self, request: HttpRequest, host: ImageHost) -> Answer:
        try:
            address = hosting.test(host)
        except OSError as error:
            raise Permanent(str(error), code="host_failed") from None
        return _t("%(host)s took a picture of one point: %(address)s") % {"host": host, "address": address}
