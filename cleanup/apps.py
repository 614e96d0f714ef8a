"""Plex's own data folder made smaller: planned first, proven, and with a way back."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CleanupConfig(AppConfig):
    name = "cleanup"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Clean-up")

    def ready(self) -> None:
        from mediasync.jobs.registry import register, register_texts

        from . import expiry
        from .kinds import KINDS
        from .texts import TEXTS

        register_texts(TEXTS)
        for kind in KINDS:
            register(kind)
        expiry.register()
