"""Sentences for what the data folder and its database say."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

PLEXDATA: Mapping[str, Text] = {
    "plex_cache_place": _("%(path)s cannot be the cache: other things lie there"),
    "plex_folder_missing": _("%(path)s is no folder here"),
    "plex_folder_lacks": _("%(path)s has no %(what)s: is it a data folder of Plex?"),
    "plex_folder_link": _("%(what)s of %(path)s is a link, and links are not followed: enter the folder itself"),
    "plex_database_broken": _("The copy of Plex's database is not sound: %(answer)s"),
    "plex_database_foreign": _("This is no library of Plex: %(what)s is missing"),
    "plex_database_locked": _("Plex's database is locked"),
    "plex_database_owner": _(
        "Only the user that owns Plex's database (or root) may do that, else Plex could not open it any more"
    ),
    "plex_database_remote": _("Plex's database lies on %(kind)s, where its locks may not hold: it is not written"),
    "plex_database_unreadable": _("Plex's database cannot be read: %(answer)s"),
    "plex_index_empty": _(
        "Plex's database knows no item with a bundle, or none with a picture, so nothing is concluded from it"
    ),
    "plex_no_writer": _("Plex's database cannot be written here: none of the ways past its triggers works"),
    "plex_snapshot": _("The copy of Plex's database cannot be written: %(answer)s"),
}
