"""The addresses of the catalog's API, and short ways to its pages."""

from django.urls import path
from django.views.generic import RedirectView

from . import api, views

urlpatterns = [
    path("api/dashboard", api.dashboard, name="catalog-dashboard"),
    path("api/playlists", api.playlists, name="catalog-playlists"),
    path("api/playlists/download", api.download, name="catalog-download"),
    path("api/playlists/wanted", api.wanted, name="catalog-wanted"),
    path("api/playlists/export", api.export, name="catalog-export"),
    path("api/playlists/export-zip", api.export_zip, name="catalog-export-zip"),
    path("api/playlists/<int:pk>/export.zip", api.playlist_zip, name="catalog-playlist-zip"),
    path("api/playlists/<int:pk>/export-folder", api.export_folder, name="catalog-export-folder"),
    path("api/exports/bundles/<str:name>.zip", api.bundle, name="catalog-bundle"),
    path("api/jobs/<int:job>/playlists/<int:playlist>/songs", api.job_songs, name="catalog-job-songs"),
    path("api/maintenance/local-duplicates", api.local_duplicates, name="catalog-duplicates"),
    path("api/maintenance/local-duplicates/dedupe", api.run_dedupe, name="catalog-dedupe"),
    path(
        "dashboard",
        RedirectView.as_view(pattern_name="admin:catalog_playlist_overview", query_string=True),
        name="catalog-pages-overview",
    ),
    path("playlists", views.to_playlists, name="catalog-pages-playlists"),
]
