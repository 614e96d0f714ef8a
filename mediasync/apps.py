"""The project itself: checks, and what connects the apps."""

from django.apps import AppConfig, apps
from django.db.models.signals import pre_migrate


class MediasyncConfig(AppConfig):
    name = "mediasync"

    def ready(self) -> None:
        from . import checks, sqlite, wiring  # noqa: F401

        first = apps.get_app_config("jobs")  # the signal is sent for apps with models only
        pre_migrate.connect(sqlite.before_migrations, sender=first)
