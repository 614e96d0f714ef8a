"""The skin: our AdminSite, templates and static files."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class UiConfig(AppConfig):
    name = "mediasync.ui"
    label = "ui"


class MediasyncAdminConfig(AdminConfig):
    default_site = "mediasync.ui.site.MediasyncAdminSite"
