"""The project itself: checks, and what connects the apps."""

from django.apps import AppConfig, apps
from django.db.models.signals import pre_migrate


class MediasyncConfig(AppConfig):
    name = "mediasync"

    def ready(self) -> None:
        from mediasync.jobs.registry import register_texts

        from . import checks, sqlite, wiring  # noqa: F401
        from .explain.texts import TEXTS as EXPLAIN_TEXTS
        from .ondemand.texts import TEXTS as ONDEMAND_TEXTS

        register_texts(EXPLAIN_TEXTS)
        register_texts(ONDEMAND_TEXTS)
        first = apps.get_app_config("jobs")  # the signal is sent for apps with models only
        pre_migrate.connect(sqlite.before_migrations, sender=first)
