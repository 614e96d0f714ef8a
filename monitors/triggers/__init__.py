"""The kinds of hooks: one module each says what a call means.

::

    payload ──parse──▶ Parsed(event, notices)   followed
                       Parsed(event, code)      ignored: Test, Grab, files that were kept …
                       Rejected(code)           not readable
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from . import arr, atrain, clouddrive2, generic
from .base import Kind, Parsed, Received, Rejected

__all__ = ["KINDS", "Kind", "Parsed", "Received", "Rejected"]

CONNECT = _("Settings → Connect → + → Webhook: URL; switch on import, upgrade, rename and all the delete events.")
TEMPLATE = _("webhook.toml: base_url, or the url of [file_system_watcher]; method POST, the body as in its template.")
SCRIPT = _("Call it with the path in the query (?path=), as JSON, or with one path a line.")

KINDS = {
    kind.name: kind
    for kind in (
        Kind("sonarr", "Sonarr", arr.sonarr, CONNECT),
        Kind("radarr", "Radarr", arr.radarr, CONNECT),
        Kind("lidarr", "Lidarr", arr.lidarr, CONNECT),
        Kind("readarr", "Readarr", arr.readarr, CONNECT),
        Kind(
            "clouddrive2",
            "CloudDrive2",
            clouddrive2.parse,
            _("webhook.toml: base_url and the address of [file_system_watcher]."),
        ),
        Kind(
            "atrain",
            "A-Train",
            atrain.parse,
            _("a-train.toml: the url of autoscan becomes that of this machine, with user and password."),
        ),
        Kind("autoscan", "autoscan", generic.parse, _("Wherever autoscan was called: only the host changes."), True),
        Kind("autopulse", "autopulse", generic.parse, _("Wherever autopulse was called: only the host changes."), True),
        Kind("generic", "Generic", generic.parse, SCRIPT, True),
    )
}
