"""Messages to people."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotifyConfig(AppConfig):
    name = "mediasync.notify"
    label = "notify"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Messages")

    def ready(self) -> None:
        from mediasync.jobs.registry import register

        from . import chores
        from .stages import KIND

        register(KIND)
        chores.register()
