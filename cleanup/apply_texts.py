"""Sentences for the codes of what changes a data folder: apply, restore, delete for good, write again."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

APPLY: Mapping[str, Text] = {
    # titles
    "cleanup_apply": _("Clean up: %(name)s, run %(run)s"),
    "cleanup_restore": _("Put back: %(name)s, run %(run)s"),
    "cleanup_purge": _("Delete for good: %(name)s, run %(run)s"),
    "cleanup_reapply": _("Write web addresses again: %(name)s"),
    # why a job stops, waits or does nothing
    "cleanup_art_rolled_back": _("Plex did not survive the new art: %(count)s values were given back"),
    "cleanup_art_waits": _("The new art is to be watched: start Plex"),
    "cleanup_database_replaced": _("Plex's database was replaced meanwhile: plan anew"),
    "cleanup_folder_gone": _("The folder is not there: %(path)s"),
    "cleanup_lost_much": _("Plex's database has lost %(percent)s %% since the plan: plan anew"),
    "cleanup_no_journal": _("No earlier run has written addresses"),
    "cleanup_nothing_left": _("Nothing is left to do"),
    "cleanup_other_folder": _("The run was planned for %(path)s, and its folder is another one now"),
    "cleanup_plex_busy": _("Plex is at work"),
    "cleanup_plex_refused": _("Plex was asked for %(what)s and refused: %(message)s"),
    "cleanup_plex_runs": _("Plex runs, and the policy does not allow this meanwhile: stop Plex and resume"),
    "cleanup_plex_unknown": _("Plex seems to run and cannot be asked: link its server, or stop it and resume"),
    "cleanup_plex_watched": _("Somebody watches"),
    "cleanup_quarantine": _("The quarantine cannot be made in %(path)s"),
    "cleanup_quarantine_full": _("The disk of the quarantine is full: %(path)s"),
    "cleanup_quarantine_place": _("The quarantine cannot lie in %(path)s"),
    "cleanup_rows": _("Choose 1 to %(most)s rows"),
    "cleanup_rows_of_others": _("Some of these rows are not of this run"),
    # what became of a row
    "art_crashed": _("Plex did not survive it"),
    "art_needs_server": _("New art is watched, and no server is linked"),
    "cleanup_bad_path": _("Not a path that this may touch"),
    "gone": _("It was gone"),
    "library_missing": _("A folder of a library is missing"),
    "no_file": _("The file of the old value is missing"),
    "no_image_host": _("No image host is set"),
    "no_picture": _("Not a picture"),
    "not_begun": _("It was not put away"),
    "not_empty": _("Something lies in it"),
    "not_uploaded": _("It could not be put on the image host"),
    "place_taken": _("Plex has made it again"),
    "plex_runs": _("Plex was running"),
    "quarantine_changed": _("It was changed in the quarantine"),
    "quarantine_lost": _("It is no longer in the quarantine"),
    "writing": _("Was being written"),
    # what addresses answered
    "url_bad": _("Not an address of a picture"),
    "url_busy": _("The web server was busy"),
    "url_content": _("Not a picture, whatever the web server called it"),
    "url_failed_lately": _("It had no picture when it was last asked"),
    "url_plain": _("The address is without TLS"),
    "url_private": _("It leads into a private network"),
    "url_redirects": _("It redirects too often"),
    "url_small": _("Too small for a picture"),
    "url_status": _("The web server refused it"),
    "url_tls": _("The certificate cannot be verified"),
    "url_type": _("Not a picture"),
    "url_unasked": _("It was not asked"),
    "url_unreachable": _("The web server could not be reached"),
    # image hosts
    "host_busy": _("The image host asks us to wait"),
    "host_denied": _("The image host refuses our key"),
    "host_folder": _("The folder of the image host cannot be written: %(path)s"),
    "host_incomplete": _("Something lacks: %(name)s"),
    "host_kind": _("There is no such kind of image host"),
    "host_no_boto3": _("boto3 is not installed"),
    "host_refused": _("The image host refuses the picture"),
    "host_setting": _("The image host knows no such setting"),
    "host_unreachable": _("The image host cannot be reached"),
    "host_webhook": _("This is no address of a Discord webhook"),
}
