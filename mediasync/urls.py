"""All addresses of the project."""

from django.contrib import admin
from django.urls import include, path

from mediasync import health, metrics
from mediasync.explain import views as explain

admin.autodiscover()

urlpatterns = [
    path("admin/", admin.site.urls),
    path("explain/", admin.site.admin_view(explain.page), name="explain"),
    path("", include("mediasync.ondemand.urls")),
    path("", include("monitors.urls")),
    path("health", health.healthz),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
]
