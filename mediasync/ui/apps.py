"""The skin: our AdminSite, templates and static files."""

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class UiConfig(AppConfig):
    name = "mediasync.ui"
    label = "ui"


class MediasyncAdminConfig(SimpleAdminConfig):
    """The admin, whose modules only ``mediasync.urls`` loads: commands start sooner without them."""

    default_site = "mediasync.ui.site.MediasyncAdminSite"
