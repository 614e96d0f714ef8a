"""Music: playlists collected, synchronised, downloaded and uploaded."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Music")

    def ready(self) -> None:
        from mediasync.jobs import chores
        from mediasync.jobs.registry import register, register_texts

        from . import asking, bundles, checks, hooks  # noqa: F401 - checks register themselves
        from .kinds import KINDS
        from .texts import TEXTS

        register_texts(TEXTS)
        for kind in KINDS:
            register(kind)
        hooks.connect()
        asking.connect()
        chores.register("remove old archives of playlists", bundles.expire, every=600)
