"""Pools, songs and artists: what the platforms said. Only the program writes these rows."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mediasync.ui.admin import ReadOnlyAdmin
from mediasync.ui.render import age, badge, duration, path

from .models import Artist, ArtistSong, FileAsset, FileLocation, PlaylistSong, Pool, PoolPlaylist, Song, StorageBackend


@admin.register(Pool)
class PoolAdmin(ReadOnlyAdmin[Pool]):
    list_display = ("name", "platform", "kind", "number", "collected")
    list_filter = ("platform", "kind")
    search_fields = ("name",)
    ordering = ("platform", "kind", "key")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        linked = PoolPlaylist.objects.filter(pool=OuterRef("pk")).order_by().values("pool")
        return (
            super().get_queryset(request).annotate(n=Coalesce(Subquery(linked.annotate(n=Count("pk")).values("n")), 0))
        )

    @display(description=_("Playlists"), ordering="n")
    def number(self, pool: Pool) -> SafeString:
        address = f"{reverse('admin:catalog_playlist_changelist')}?pool={pool.pk}"
        return format_html('<a href="{}">{}</a>', address, getattr(pool, "n", 0))

    @display(description=_("Collected"), ordering="collected_at")
    def collected(self, pool: Pool) -> SafeString:
        return age(pool.collected_at)


@admin.register(Song)
class SongAdmin(ReadOnlyAdmin[Song]):
    list_display = ("name", "singers", "album", "length", "platform", "kind_of", "here")
    list_filter = ("platform", "kind")
    search_fields = ("name", "singers")
    ordering = ("-id",)
    fields = (
        *("name", "singers", "album", "length", "platform", "remote_id", "isrc", "mbid", "kind_of"),
        *("in_playlists", "files"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Song]:
        there = FileLocation.objects.filter(
            file_asset__song=OuterRef("pk"),
            status=FileLocation.Status.ACTIVE,
            backend__kind=StorageBackend.Kind.LOCAL,
        )
        return super().get_queryset(request).defer("snapshot").annotate(downloaded=Exists(there))

    @display(description=_("Length"), ordering="duration")
    def length(self, song: Song) -> str:
        return duration(song.duration)

    @display(description=_("Kind"), ordering="kind")
    def kind_of(self, song: Song) -> SafeString:
        return badge(song.get_kind_display(), "idle" if song.kind == Song.Kind.OTHER else "ok")

    @display(description=_("On disk"))
    def here(self, song: Song) -> SafeString:
        return badge(_("Downloaded"), "ok") if getattr(song, "downloaded", False) else badge(_("Not here"), "idle")

    @display(description=_("Playlists"))
    def in_playlists(self, song: Song) -> SafeString | str:
        links = PlaylistSong.objects.filter(song=song).select_related("playlist").order_by("playlist_id")[:50]
        rows = ((reverse("admin:catalog_playlist_songs", args=[each.playlist_id]), each.playlist) for each in links)
        return format_html_join(SafeString("<br>"), '<a href="{}">{}</a>', rows) or "–"

    @display(description=_("Files"))
    def files(self, song: Song) -> SafeString | str:
        found = FileLocation.objects.filter(file_asset__song=song).select_related("file_asset", "backend")
        rows = (
            (
                badge(each.get_status_display(), "ok" if each.status == FileLocation.Status.ACTIVE else "idle"),
                each.backend,
                path(each.locator),
                _about(each.file_asset),
            )
            for each in found.order_by("-is_primary", "pk")[:50]
        )
        return format_html_join(SafeString("<br>"), "{} {}: {} {}", rows) or "–"


def _about(asset: FileAsset) -> str:
    """Say what a version is and what gives the right to it."""
    said = (asset.quality_label, asset.ext, asset.source, asset.license, asset.rights_basis)
    return ", ".join(filter(None, said))


@admin.register(Artist)
class ArtistAdmin(ReadOnlyAdmin[Artist]):
    list_display = ("name", "platform", "number")
    list_filter = ("platform",)
    search_fields = ("name",)
    ordering = ("-id",)
    fields = readonly_fields = ("name", "platform", "number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Artist]:
        sung = ArtistSong.objects.filter(artist=OuterRef("pk")).order_by().values("artist")
        return super().get_queryset(request).annotate(n=Coalesce(Subquery(sung.annotate(n=Count("pk")).values("n")), 0))

    @display(description=_("Songs"))
    def number(self, artist: Artist) -> int:
        return int(getattr(artist, "n", 0))
