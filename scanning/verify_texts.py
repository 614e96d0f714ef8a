"""The sentences of proofs: why something is not found (yet), and what followed."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: dict[str, Text] = {
    "verify": _("Ask %(name)s whether it knows what it was told"),
    "proof_waits": _("Nothing is to be asked yet"),
    "proof_refused": _("%(library)s: the server cannot be asked what it knows: %(error)s"),
    "follow_up_refused": _("The server refused what should have followed: %(error)s"),
    "items_many": _("%(count)s items were replaced; only %(most)s are looked at again"),
    "trash_emptied": _("%(library)s: the trash was emptied of %(count)s items"),
    "trash_too_full": _("%(library)s: more than %(most)s items are in the trash; it is left alone"),
    "trash_in_doubt": _("%(library)s: the trash is left alone, as a root is in doubt: %(reason)s"),
    # Why a server does not know
    "still_scanning": _("The server is still scanning"),
    "ignored_name": _("The server leaves out files and folders with such a name"),
    "extension": _("This kind of library takes no file with such an ending"),
    "permission": _("Only its owner may read it here: perhaps the server may not"),
    "mapping": _("The server knows nothing in this folder: perhaps it sees other paths; look at the mapping rules"),
    "not_taken": _("The server looked and took nothing: perhaps its agent does not understand the name"),
    "still_there": _("The server still has it: perhaps it is not set to empty its trash"),
    "cannot_tell": _("The server cannot tell"),
    "not_sent": _("It was not sent"),
}
