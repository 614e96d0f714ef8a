"""The addresses that other programs call, each with and without a slash at its end."""

from django.urls import URLPattern, path

from . import views


def both(route: str, view: object, name: str) -> list[URLPattern]:
    """Return the address and its twin: a redirect would lose the body of a POST."""
    return [path(f"{route}/", view, name=name), path(route, view)]  # type: ignore[call-overload]


urlpatterns = [
    *both("hooks/<str:source>/<str:secret>", views.hook, "hook"),
    # CloudDrive2's template appends "file_notify" and "mount_notify" to its base_url.
    *both("hooks/<str:source>/<str:secret>/<slug:tail>", views.hook, "hook-tail"),
    *both("hooks/<str:source>", views.hook, "hook-password"),
    *both("triggers/a-train/<str:drive>", views.trigger, "trigger-a-train"),
    *both("triggers/<str:name>", views.trigger, "trigger"),
    *both("file_notify", views.file_notify, "file-notify"),
]
