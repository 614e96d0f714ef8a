"""Sentences for the codes of hooks and payloads."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

TEXTS = {
    # Ignored
    "call_event_without_change": _("This event changes no files"),
    "call_event_unknown": _("This event is not known"),
    "call_files_kept": _("The files were kept"),
    "call_no_path": _("It names no path"),
    # Rejected
    "call_bad_json": _("The body is broken JSON: %(error)s"),
    "call_body_not_text": _("The body is no text"),
    "call_body_too_big": _("The body is too big when unpacked"),
    "call_body_encoding": _("The body is packed in a way that is not known: %(encoding)s"),
    "call_not_an_object": _("The body is JSON, but no object"),
    "call_no_event": _("It does not say what happened"),
    "call_bad_path": _("It names no absolute path"),
    "call_too_many_paths": _("It names more than %(most)s paths"),
    "call_failed": _("It could not be followed: %(error)s"),
    "hook_kind": _("There is no such kind of hook"),
    # Followed, but
    "call_some_bad_paths": _("%(bad)s of the paths are not absolute, and were left out"),
    # What people did wrong
    "hook_exists": _("There is a hook “%(name)s” already"),
}
