"""Everything that people may want to be told of."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise as Text

NEW_MEDIA, CLEANUP, UNHANDLED = "new_media", "cleanup_report", "unhandled_error"


@dataclass(frozen=True, slots=True)
class Event:
    """``text`` is the sentence of one, ``many`` the heading of several ("%(n)d …"), ``over`` that it is well again.

    ``hold``: seconds that a condition lasts before anybody is told, so that a hiccup is no news.
    ``tone``: how channels with colours show it: info, success, warning or failure.
    """

    label: Text
    text: Text
    many: Text
    over: Text = ""
    tone: str = "warning"
    hold: float = 0.0


EVENTS: dict[str, Event] = {
    NEW_MEDIA: Event(_("New media"), _("New: %(title)s"), _("%(n)d new titles"), tone="info"),
    "job_failed": Event(
        _("A job failed"), _("Job #%(job)s failed: %(title)s. %(reason)s"), _("%(n)d jobs failed"), tone="failure"
    ),
    "job_errors": Event(
        _("A job was done with errors"),
        _("Job #%(job)s: %(failed)s of %(total)s failed: %(title)s"),
        _("%(n)d jobs were done with errors"),
    ),
    "job_waits": Event(
        _("A job waits for a person"),
        _("Job #%(job)s waits for a person: %(title)s. %(reason)s"),
        _("%(n)d jobs wait for a person"),
        hold=120,
    ),
    "guard": Event(
        _("A root's guard is not OK"),
        _("%(name)s: %(reason)s"),
        _("%(n)d roots are not OK"),
        _("%(name)s is OK again"),
        hold=60,
    ),
    "removals_held": Event(
        _("Removals are held"),
        _("%(name)s: %(held)s removals are held until somebody looks"),
        _("%(n)d roots hold removals"),
        _("%(name)s: no removal is held any more"),
    ),
    "server_paused": Event(
        _("A server refuses our token"),
        _("%(name)s is paused: %(reason)s"),
        _("%(n)d servers are paused"),
        _("%(name)s is asked again"),
        tone="failure",
    ),
    "server_offline": Event(
        _("A server is offline"),
        _("%(name)s does not answer: %(error)s"),
        _("%(n)d servers do not answer"),
        _("%(name)s answers again"),
        tone="failure",
        hold=120,
    ),
    "feed_silent": Event(
        _("A feed is silent or in trouble"),
        _("The feed of %(name)s is in trouble: %(reason)s"),
        _("%(n)d feeds are in trouble"),
        _("The feed of %(name)s works again"),
        hold=300,
    ),
    "account_paused": Event(
        _("An account is refused"),
        _("The account %(name)s is refused: %(error)s"),
        _("%(n)d accounts are refused"),
        _("The account %(name)s works again"),
        tone="failure",
    ),
    "budget_spent": Event(
        _("An account's budget is spent"),
        _("The account %(name)s has spent its requests of today (%(used)s)"),
        _("%(n)d accounts have spent their requests of today"),
    ),
    CLEANUP: Event(_("A clean-up report"), _("Clean-up: %(text)s"), _("%(n)d clean-up reports"), tone="info"),
    UNHANDLED: Event(
        _("An error in mediasync itself"),
        _("%(error)s\nin %(where)s (%(logger)s)\n%(trace)s"),
        _("%(n)d errors in mediasync itself"),
        tone="failure",
    ),
}
