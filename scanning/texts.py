"""The sentences of this app's codes: titles and reasons of jobs, answers of requests, steps of the mapping tester."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: dict[str, Text] = {
    # Jobs
    "sync": _("Synchronise %(name)s"),
    "sync_full": _("Synchronise all of %(name)s"),
    "sync_paths": _("Synchronise %(count)s folders of %(name)s"),
    "scan": _("Tell the servers about %(name)s"),
    "scan_paths": _("Tell the servers about %(count)s paths"),
    "deliver": _("Tell %(name)s what changed"),
    "delivery_waits": _("Nothing is due yet"),
    "server_offline": _("%(server)s cannot be reached"),
    "server_disabled": _("%(server)s is switched off"),
    "server_gone": _("The server is gone"),
    "request_refused": _("The server refused %(path)s: %(error)s"),
    "links_many": _("More than %(most)s links of %(name)s changed: have the servers scan all of their library"),
    "already_told": _("The servers know already"),
    "no_server": _("The server is gone"),
    # Answers that we give ourselves
    "unmatched": _("No mapping rule fits"),
    "bad_path": _("This is not an absolute path without “..”"),
    "vanished": _("It vanished before the server was told; if it is really gone, that is told for itself"),
    "joined": _("Joined with a newer request for the same"),
    "library_found": _("A library was found: see the request for it"),
    "replayed": _("Asked for again"),
    "dropped_by_hand": _("Dropped by hand"),
    "library_busy": _("The server is scanning this library; it is asked once that is over"),
    "unreadable": _("The folder cannot be looked at now"),
    "no_library": _("No library has this path"),
    # What a request costs its server
    "cost_location": _("The whole location"),
    "cost_folder": _("1 folder"),
    "cost_perhaps": _("1 folder, or the whole location"),
    # Steps of a translation
    "no_match": _("does not match"),
    "matched": _("matches"),
    "passed": _("no rule matches: passed on unchanged"),
    "dropped": _("no rule matches: dropped"),
    "by_account": _("no rule matches: by its place in the account"),
}
