"""The job engine."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "mediasync.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import registry, texts

        registry.register_texts(texts.TEXTS)
