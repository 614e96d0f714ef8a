"""Read-only looks into the courier's own tables, for support; its own admin is not shown."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import display
from django.template.defaultfilters import truncatechars
from django.utils.translation import gettext_lazy as _

from mediasync.ui.admin import ReadOnlyAdmin


@admin.register(apps.get_model("django_q", "OrmQ"))
class QueueAdmin(ReadOnlyAdmin[Any]):
    """The messages that wait for a worker; the payload is signed and says nothing but job and epoch."""

    list_display = ("id", "key", "lock")
    list_display_links = None
    fields = ("key", "lock")


@admin.register(apps.get_model("django_q", "Failure"))
class FailureAdmin(ReadOnlyAdmin[Any]):
    """Messages whose slice raised, which it never should."""

    list_display = ("name", "func", "started", "stopped", "short_result")
    list_display_links = None
    fields = ("name", "func", "started", "stopped", "short_result")

    @display(description=_("Result"))
    def short_result(self, obj: Any) -> str:
        return truncatechars(str(obj.result), 200)
