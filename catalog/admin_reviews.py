"""Weak matches: a person says whether a file is the song."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.ui.admin import ReadOnlyAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.filters import TabFilter
from mediasync.ui.render import Tone, badge, duration

from . import reviews, routing
from .models import Review

START = "jobs.add_job"
State = Review.State
TONES: dict[str, Tone] = {State.OPEN: "warn", State.TAKEN: "ok", State.NEVER: "idle"}


class StateTabs(TabFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() in State.values else queryset


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin[Review]):
    list_display = ("wanted", "found", "points", "state_now", "row_buttons", "source", "quality", "lengths", "rights")
    list_filter = (StateTabs, "source")
    list_select_related = ("song",)
    search_fields = ("title", "artists", "song__name")
    ordering = ("song", "-score", "pk")
    fields = readonly_fields = ("wanted", "found", "points", "state_now", "source", "quality", "lengths", "rights")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup == "song__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @display(description=_("Wanted"), ordering="song")
    def wanted(self, review: Review) -> str:
        return str(review.song)

    @display(description=_("Found"), ordering="title")
    def found(self, review: Review) -> SafeString:
        album = review.candidate.get("album") or ""
        return format_html('{} <span class="ms-note">{}</span>', str(review), album)

    @display(description=_("Points"), ordering="score")
    def points(self, review: Review) -> str:
        return f"{review.score:.0f}"

    @display(description=_("State"), ordering="state")
    def state_now(self, review: Review) -> SafeString:
        shown = badge(review.get_state_display(), TONES[review.state])
        return format_html('{} <span class="ms-note">{}</span>', shown, review.actor) if review.actor else shown

    @display(description=_("Quality"))
    def quality(self, review: Review) -> str:
        said = review.candidate
        rate = f"{said['bitrate']} kbit/s" if said.get("bitrate") else ""
        return " ".join(filter(None, (str(said.get("ext") or ""), rate))) or "–"

    @display(description=_("Length (wanted, found)"))
    def lengths(self, review: Review) -> str:
        return f"{duration(review.song.duration)}, {duration(review.candidate.get('duration'))}"

    @display(description=_("Rights"))
    def rights(self, review: Review) -> str:
        said = (review.candidate.get("license"), review.candidate.get("rights_basis"))
        return ", ".join(str(each) for each in said if each) or "–"

    @button(_("Use this"), when=lambda review: review.state != State.TAKEN, bulk=True)
    def take(self, request: HttpRequest, review: Review) -> Answer:
        reviews.take(review, actor(request))
        if not request.user.has_perm(START):
            return _t("%s comes with the next download.") % review.song
        made = routing.download_song(review.song_id, actor=actor(request))
        return f"{review.song}: {routing.queued(made)}"

    @button(_("Never"), when=lambda review: review.state != State.NEVER, bulk=True)
    def never(self, request: HttpRequest, review: Review) -> Answer:
        reviews.never(review, actor(request))
        return _t("It is not taken for %s.") % review.song

    @button(_("Ask again"), when=lambda review: review.state != State.OPEN, bulk=True)
    def reopen(self, request: HttpRequest, review: Review) -> Answer:
        reviews.reopen(review, actor(request))
        return _t("It waits for an answer again.")
