"""Sentences for the codes of updates on demand, and words for how a server fares."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.servers.selectors import Fare

FARES: Mapping[Fare, tuple[StrOrPromise, str]] = {
    "off": (_("Switched off"), "idle"),
    "paused": (_("Paused"), "rest"),
    "unreachable": (_("Unreachable"), "bad"),
    "trouble": (_("Trouble"), "warn"),
    "unseen": (_("Never reached"), "warn"),
    "fine": (_("Reachable"), "ok"),
}
TEXTS: Mapping[str, StrOrPromise] = {
    "no_name": _("Give the name of a file, at most 1000 characters."),
    "no_title": _("There is no title in this name."),
    "no_section": _("No library is called so."),
    "no_place": _(
        "No server knows the %(kind)s “%(title)s”, and no library for it has a folder that can be seen here: "
        "an admin adds its root, and a path mapping."
    ),
    "cannot_look": _("Nothing is known of the %(kind)s “%(title)s”, and it cannot be looked for now in: %(where)s."),
    "no_such_title": _("No folder is called like the %(kind)s “%(title)s”."),
}
