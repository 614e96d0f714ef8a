"""What servers newly took in, and how each is listened to."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.jobs import registry
from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import Tone, age, badge, path

from .listeners import services
from .models import Arrival, Listener

State = Listener.State
TONES: dict[str, Tone] = {
    State.LIVE: "ok",
    State.POLLING: "ok",
    State.STARTING: "busy",
    State.TROUBLE: "warn",
    State.OFF: "idle",
}
ANEW = _("What the server has now counts as known, and nothing of it as new. Go on?")


@admin.register(Arrival)
class ArrivalAdmin(ReadOnlyAdmin[Arrival]):
    list_display = ("item", "home", "server", "heard", "where")
    list_filter = ("server", "kind", "library")
    list_select_related = ("server", "library__server")
    search_fields = ("title", "show", "path")
    ordering = ("-id",)
    fields = (
        *("item", "kind", "server", "home", "season", "episode", "year", "where"),
        *("picture_link", "heard", "added", "key"),
    )
    readonly_fields = fields

    @display(description=_("Item"), ordering="title")
    def item(self, obj: Arrival) -> str:
        return str(obj)

    @display(description=_("Library"), ordering="library__title")
    def home(self, obj: Arrival) -> str:
        return obj.library.title if obj.library else "–"

    @display(description=_("Path, as the server sees it"))
    def where(self, obj: Arrival) -> SafeString:
        return path(obj.path)

    @display(description=_("Picture"))
    def picture_link(self, obj: Arrival) -> SafeString:
        if not obj.picture:
            return SafeString("–")
        return format_html('<a href="{0}" rel="noreferrer">{0}</a>', obj.picture_url)

    @display(description=_("Recorded"), ordering="heard_at")
    def heard(self, obj: Arrival) -> SafeString:
        return age(obj.heard_at)

    @display(description=_("Date that the server gives it"), ordering="added_at")
    def added(self, obj: Arrival) -> SafeString:
        return age(obj.added_at)


@admin.register(Listener)
class ListenerAdmin(ReadOnlyAdmin[Listener]):
    list_display = ("server", "state_now", "row_buttons", "why", "heard", "asked", "arrivals")
    list_select_related = ("server",)
    ordering = ("server__name",)
    fields = ("server", "state_now", "why", "changed", "begun", "heard", "asked", "arrivals", "starts")
    readonly_fields: ClassVar = ["state_now", "why", "changed", "begun", "heard", "asked"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listener]:
        return super().get_queryset(request).select_related("server")

    @display(description=_("State"), ordering="state")
    def state_now(self, obj: Listener) -> SafeString:
        return badge(State(obj.state).label, TONES[obj.state])

    @display(description=_("Why"))
    def why(self, obj: Listener) -> str:
        return registry.text(obj.code, obj.params) if obj.code else "–"

    @display(description=_("Since"))
    def changed(self, obj: Listener) -> SafeString:
        return age(obj.since)

    @display(description=_("New is what came after"))
    def begun(self, obj: Listener) -> SafeString:
        return age(obj.begun_at)

    @display(description=_("Last message"), ordering="heard_at")
    def heard(self, obj: Listener) -> SafeString:
        return age(obj.heard_at)

    @display(description=_("Last answer"), ordering="asked_at")
    def asked(self, obj: Listener) -> SafeString:
        return age(obj.asked_at)

    @button(_("Switch off"), when=lambda row: row.enabled, bulk=True)
    def switch_off(self, request: HttpRequest, row: Listener) -> Answer:
        services.switch(row, False)
        return _t("Nobody listens to %s any more.") % row

    @button(_("Switch on"), when=lambda row: not row.enabled, bulk=True)
    def switch_on(self, request: HttpRequest, row: Listener) -> Answer:
        services.switch(row, True)
        return _t("%s is listened to again; what came meanwhile is recorded too.") % row

    @button(_("Restart"), when=lambda row: row.enabled, bulk=True)
    def restart(self, request: HttpRequest, row: Listener) -> Answer:
        services.restart(row)
        return _t("%s starts anew.") % row

    @button(_("Begin anew"), confirm=lambda row: ANEW)
    def begin_anew(self, request: HttpRequest, row: Listener) -> Answer:
        services.begin_anew(row)
        return _t("The next look at %s calls nothing new.") % row
