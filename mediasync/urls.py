"""All addresses of the project."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from mediasync import health

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("monitors.urls")),
    path("health", health.healthz),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
