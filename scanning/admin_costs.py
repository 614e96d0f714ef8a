"""What the page of a server says of the cost of scans: how this kind of server looks, and what waits for it."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mediasync.jobs import registry
from mediasync.servers import admin as servers_admin
from mediasync.servers.models import Server

from . import costs

HABITS = {
    Server.Kind.PLEX: _(
        "A change costs Plex a look into its folder. What was removed right below a folder of the library makes it "
        "look through all of that folder: such requests are collected for %(window)g s."
    ),
    Server.Kind.EMBY: _(
        "A change costs Emby a look into the nearest folder or film that it knows; if it knows none, it looks through "
        "the whole folder of the library."
    ),
    Server.Kind.JELLYFIN: _(
        "A change costs Jellyfin a look into the nearest folder or film that it knows. What is new, or was removed, "
        "right below a folder of the library makes it look through all of that folder: such requests are collected "
        "for %(window)g s."
    ),
}


def expected(server: Server) -> SafeString:
    """Return what scans cost this server, and how much of which cost waits."""
    habit = HABITS[Server.Kind(server.kind)] % {"window": server.root_window}
    waits = [(number, registry.text(code)) for code, number in sorted(costs.waiting(server).items())]
    shown = format_html_join(" · ", "{} × {}", waits)
    return format_html("<p>{}</p>{}", habit, format_html("<p>{}: {}</p>", _("Waiting"), shown) if waits else "")


servers_admin.show_figures(expected)
