"""Uploads: what is to lie on another backend too, and what became of it."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core import clock
from mediasync.core.paths import for_people
from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import Tone, age, badge, path

from .models import UploadTask

State = UploadTask.State
TONES: dict[str, Tone] = {
    State.PENDING: "idle",
    State.UPLOADING: "busy",
    State.SUCCEEDED: "ok",
    State.FAILED: "bad",
    State.SKIPPED: "rest",
}


@admin.register(UploadTask)
class UploadTaskAdmin(ReadOnlyAdmin[UploadTask]):
    list_display = ("where", "state_now", "row_buttons", "backend", "attempts", "changed")
    list_filter = ("state", "backend")
    list_select_related = ("backend",)
    search_fields = ("locator",)
    ordering = ("-id",)
    fields = readonly_fields = ("where", "state_now", "backend", "attempts", "changed")

    @display(description=_("File"), ordering="locator")
    def where(self, task: UploadTask) -> SafeString:
        return path(task.locator)

    @display(description=_("State"), ordering="state")
    def state_now(self, task: UploadTask) -> SafeString:
        shown = badge(task.get_state_display(), TONES[task.state])
        return format_html('{}<span class="ms-why">{}</span>', shown, for_people(task.error)) if task.error else shown

    @display(description=_("Changed"), ordering="changed_at")
    def changed(self, task: UploadTask) -> SafeString:
        return age(task.changed_at)

    @button(_("Try again"), when=lambda task: task.state in (State.FAILED, State.SKIPPED), bulk=True)
    def again(self, request: HttpRequest, task: UploadTask) -> Answer:
        rows = UploadTask.objects.filter(pk=task.pk, state__in=(State.FAILED, State.SKIPPED))
        rows.update(state=State.PENDING, error="", changed_at=clock.system.now())
        return _t("The next upload tries it again.")
