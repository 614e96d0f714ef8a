"""Media servers: Plex, Emby, Jellyfin."""

from django.apps import AppConfig


class ServersConfig(AppConfig):
    name = "mediasync.servers"
    label = "servers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from mediasync.jobs.registry import register, register_texts

        from . import library_scan
        from .texts import TEXTS

        register_texts(TEXTS)
        register(library_scan.KIND)
