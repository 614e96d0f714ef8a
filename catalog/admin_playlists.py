"""Playlists: what there is, how much of it is here, and what can be done about the rest."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people
from mediasync.jobs import services as jobs
from mediasync.ui import press
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import age, badge
from mediasync.ui.site import show_strips

from . import admin_export, admin_intake, admin_reports, exporting, routing, timing, views
from .admin_cells import progress_bar, state_badge
from .admin_playlist_filters import FILTERS, PlaylistList
from .forms_playlist import PlaylistForm
from .models import Playlist
from .selectors import State, with_coverage

RUN = "jobs.add_job"


@admin.register(Playlist)
class PlaylistAdmin(ModelAdmin[Playlist]):
    form = PlaylistForm
    list_display = ("name", "platform", "status", "progress", "row_buttons", "plays", "is_wanted", "synced")
    list_filter = FILTERS
    list_links = (
        (_("Overview"), "admin:catalog_playlist_overview"),
        (_("Add from a file"), "admin:catalog_playlist_intake"),
        (_("Not found"), "admin:catalog_playlist_unmatched"),
        (_("Twice on disk"), "admin:catalog_playlist_duplicates"),
    )
    search_fields = ("name",)
    show_facets = admin.ShowFacets.NEVER  # each would count all songs again
    ordering = ("-id",)
    actions = ("download_selected", "want_selected", "unwant_selected", "export_selected")
    readonly_fields = (
        *("name", "platform", "remote_id", "kind", "url", "status", "progress", "plays", "track_count"),
        *("synced", "result", "song_list"),
    )
    fieldsets = (
        (None, {"fields": readonly_fields}),
        (_("What is done with it"), {"fields": ("wanted", "mode", "every_hours")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Playlist]:
        rows: QuerySet[Playlist] = with_coverage(super().get_queryset(request))
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PlaylistList]:
        return PlaylistList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # they come from sources, and from files

    def own_urls(self) -> list[URLPattern]:
        return [
            self.page("<int:pk>/songs/", partial(views.songs_page, self), "songs"),
            self.page("overview/", partial(views.overview_page, self), "overview"),
            self.page("of-job/<int:pk>/", partial(views.job_page, self), "job"),
            self.page("of-job/<int:pk>/<int:playlist>/", partial(views.job_songs_page, self), "job_songs"),
            self.page("unmatched/", partial(admin_reports.unmatched_page, self), "unmatched"),
            self.page("unmatched.csv", partial(admin_reports.unmatched_csv, self), "unmatched_csv"),
            self.page("duplicates/", partial(admin_export.duplicates_page, self), "duplicates"),
            self.post_view("duplicates/dedupe/", partial(admin_export.run_dedupe, self), "dedupe"),
            self.page("from-file/", partial(admin_intake.file_page, self), "intake"),
            self.post_view("from-file/take/", partial(admin_intake.take_file, self), "take_file"),
            self.page("room/<int:pk>/", partial(admin_intake.room_page, self), "room"),
            self.post_view("room/<int:pk>/move/", partial(admin_intake.move_room, self), "move_room"),
        ]

    def save_model(self, request: HttpRequest, obj: Playlist, form: ModelForm[Playlist], change: bool) -> None:
        Playlist.objects.filter(pk=obj.pk).update(wanted=obj.wanted, mode=obj.mode)
        timing.set_every(obj, int(form.cleaned_data["every_hours"] or 0) * 3600)

    def delete_model(self, request: HttpRequest, obj: Playlist) -> None:
        jobs.drop_schedules(timing.owner_of(obj))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Playlist]) -> None:
        for playlist in queryset:
            self.delete_model(request, playlist)

    def get_deleted_objects(self, objs: Iterable[Playlist], request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Say what goes without loading it: a playlist may have thousands of songs, which all stay."""
        lists = list(objs)
        lines = [_t("%(name)s. Its songs and their files stay.") % {"name": each} for each in lists]
        return lines, {_("playlists"): len(lists)}, set(), []

    # -- Columns

    @display(description=_("State"))
    def status(self, playlist: Any) -> SafeString:
        shown, problem = state_badge(playlist), self.result(playlist)
        return format_html('{}<span class="ms-why">{}</span>', shown, problem) if problem != "–" else shown

    @display(description=_("Progress"))
    def progress(self, playlist: Any) -> SafeString:
        return progress_bar(playlist)

    @display(description=_("Plays"), ordering="play_count")
    def plays(self, playlist: Playlist) -> str:
        return "–" if playlist.play_count is None else number_format(playlist.play_count, force_grouping=True)

    @display(description=_("Wanted"), ordering="wanted")
    def is_wanted(self, playlist: Playlist) -> SafeString | str:
        return badge(_("Wanted"), "ok") if playlist.wanted else "–"

    @display(description=_("Synchronised"), ordering="synced_at")
    def synced(self, playlist: Playlist) -> SafeString:
        return age(playlist.synced_at)

    @display(description=_("Last answer"), ordering="sync_result")
    def result(self, playlist: Playlist) -> str:
        if playlist.sync_result in (Playlist.Result.NEVER, Playlist.Result.OK):
            return "–"
        return f"{playlist.get_sync_result_display()}. {for_people(playlist.last_error)}".strip()

    @display(description=_("Songs"))
    def song_list(self, playlist: Playlist) -> SafeString | str:
        address = reverse("admin:catalog_playlist_songs", args=[playlist.pk])
        return format_html('<a href="{}">{}</a>', address, _("Show its songs"))

    # -- Buttons

    @button(_("Download"), when=lambda row: row.status != State.DOWNLOADED, permission=RUN)
    def download(self, request: HttpRequest, playlist: Playlist) -> Answer:
        return routing.said(routing.download([playlist.pk], actor=actor(request)))

    @button(_("Sync now"), permission=RUN)
    def sync_now(self, request: HttpRequest, playlist: Playlist) -> Answer:
        return routing.queued(jobs.submit("sync_only", {"playlists": [playlist.pk]}, actor=actor(request)))

    @button(_("Export"), on="page", permission=RUN)
    def export(self, request: HttpRequest, playlist: Playlist) -> Answer:
        return admin_export.give(request, [playlist.pk])

    @button(_("Refresh its folder"), on="page", when=lambda row: row.status != State.UNSYNCED)
    def refresh_folder(self, request: HttpRequest, playlist: Playlist) -> Answer:
        made = exporting.refresh(playlist)
        return _t("%(files)d files in %(folder)s, %(missing)d are not here.") % {
            "files": made.files,
            "folder": for_people(made.path),
            "missing": made.missing,
        }

    # -- Actions on a selection

    @admin.action(description=_("Download"), permissions=["run"])
    def download_selected(self, request: HttpRequest, rows: QuerySet[Playlist]) -> None:
        self._told(request, lambda: routing.said(routing.download(chosen(rows), actor=actor(request))))

    @admin.action(description=_("Add to the wanted list"), permissions=["change"])
    def want_selected(self, request: HttpRequest, rows: QuerySet[Playlist]) -> None:
        self._told(request, lambda: routing.want(chosen(rows), True))

    @admin.action(description=_("Take off the wanted list"), permissions=["change"])
    def unwant_selected(self, request: HttpRequest, rows: QuerySet[Playlist]) -> None:
        self._told(request, lambda: routing.want(chosen(rows), False))

    @admin.action(description=_("Export"), permissions=["run"])
    def export_selected(self, request: HttpRequest, rows: QuerySet[Playlist]) -> HttpResponse | None:
        try:
            return admin_export.give(request, chosen(rows))
        except MediasyncError as error:
            messages.error(request, press.told(error))
            return None

    def has_run_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(RUN))

    def _told(self, request: HttpRequest, do: Any) -> None:
        try:
            messages.success(request, do())
        except MediasyncError as error:
            messages.error(request, press.told(error))


show_strips(admin_intake.full_rooms)


def chosen(rows: QuerySet[Playlist]) -> list[int]:
    """Return the ids of a selection, without counting what is in them."""
    return list(rows.order_by("pk").values_list("pk", flat=True)[: press.MOST])
