"""Sentences for the codes of the catalog: reasons, refusals, titles and events."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: Mapping[str, Text] = {
    # Asking sources
    "host_denied": _("%(host)s refuses us (%(status)s)."),
    "host_status": _("%(host)s answered %(status)s."),
    "parse_error": _("The answer of the source was not understood."),
    "playlist_gone": _("The playlist is gone."),
    "playlist_private": _("“%(name)s” is for its owner only."),
    "private": _("It is for its owner only."),
    "rate_limited": _("The source asks us to wait."),
    "source_busy": _("%(host)s cannot answer now (%(status)s)."),
    "source_off": _("The source %(name)s is switched off."),
    "source_private": _("A public address leads into a private network: %(host)s."),
    "source_redirects": _("The source redirects in a circle."),
    "source_timeout": _("%(host)s did not answer in time."),
    "source_tls": _("The certificate of %(host)s could not be verified."),
    "source_too_much": _("The answer is larger than %(limit)s bytes."),
    "source_unreachable": _("%(host)s could not be reached."),
    "source_waits": _("%(host)s asked us to wait."),
    "trash_failed": _("%(path)s could not be put into the trash: %(error)s"),
    "trashed": _("%(path)s was put into the trash."),
}
