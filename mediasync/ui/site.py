"""Our AdminSite."""

from django.contrib import admin


class MediasyncAdminSite(admin.AdminSite):
    site_header = "mediasync"
    site_title = "mediasync"
