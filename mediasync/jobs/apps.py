"""The job engine."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "mediasync.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
