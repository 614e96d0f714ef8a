"""All addresses of the project."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from mediasync import health
from mediasync.explain import views as explain

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("explain/", admin.site.admin_view(explain.page), name="explain"),
    path("", include("monitors.urls")),
    path("health", health.healthz),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
