"""Sentences for the codes of hints."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

TEXTS = {
    # Why nothing came of it
    "hint_bad_path": _("This is not an absolute path without “..”, or it is too long"),
    "hint_windows_path": _("A path of Windows, and no mapping rule of its source translates it"),
    "hint_unmatched": _("No mapping rule of its source fits"),
    "hint_left_out": _("No mapping rule of its source fits, and what none fits is dropped"),
    "hint_root_off": _("Its root is switched off"),
    "hint_no_root": _("It lies under no root, and no mapping rule or library of a server has it"),
    "hint_distrusted": _("Its sender may be wrong that it is gone, and no root tells: no server is told"),
    # What it waits for
    "hint_unseen": _("Waits until it is visible"),
    "hint_still_there": _("Waits until it is gone: the mount shows it still"),
    "hint_grows": _("Waits until its size rests"),
    "hint_no_answer": _("The root did not answer; it is asked again"),
    "hint_job_full": _("The job that waits for its root takes no more: it goes into the next one"),
    "hint_group": _("Waits for the other half of a rename"),
    # What came of it
    "hint_not_waiting": _("It does not wait any more"),
    "hint_gave_up": _("It did not become visible in time: the folder “%(folder)s” was looked at"),
    "hint_not_gone": _("The mount showed it all the time, or gave no answer: its folder was looked at anyway"),
    "hint_still_grows": _("Its size did not come to rest in time: it was looked at as it is"),
    "guard_distrusted": _("The sender misses it, which may be its own mistake: a person decides"),
}
