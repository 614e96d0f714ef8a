"""The project itself: checks, and what connects the apps."""

from django.apps import AppConfig


class MediasyncConfig(AppConfig):
    name = "mediasync"

    def ready(self) -> None:
        from . import checks, wiring  # noqa: F401
