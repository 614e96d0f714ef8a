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
    # -- Uploads and exports
    "already_there": _("It is there already."),
    "backend_other_kind": _("%(name)s is another kind of storage."),
    "bad_locator": _("%(locator)s is no place below a storage."),
    "bucket_in_use": _("Files lie in the bucket %(bucket)s: register another one under another name."),
    "catalog_export": _("Refresh the folders of playlists"),
    "catalog_export_failed": _("The export hook failed: %(error)s."),
    "catalog_export_skipped": _("No export hook is set (CATALOG_EXPORT_COMMAND)."),
    "catalog_export_started": _("The export hook is run: %(command)s."),
    "catalog_export_succeeded": _("The export hook took %(seconds)s s."),
    "export_failed": _("The archive cannot be written."),
    "export_file_changed": _("A file changed while it was packed."),
    "export_file_missing": _("%(path)s is not there: is its folder mounted?"),
    "file_changed": _("%(locator)s has changed since it was stored; force it to upload it as it is."),
    "file_missing": _("The file is not there."),
    "file_unreadable": _("The file cannot be read."),
    "others_run": _("Job #%(job)s is running: wait for it, or pause everything, and try again."),
    "no_boto3": _("Object storage needs the extra [s3]: pip install boto3."),
    "no_target": _("Say which storage to upload to; there are: %(names)s."),
    "playlists_folder": _("The folders of playlists cannot be written: %(folder)s."),
    "storage_denied": _("The storage refuses our keys: check the variables in the environment, then resume."),
    "storage_failed": _("The storage cannot answer now."),
    "storage_full": _("The storage is full: %(error)s"),
    "storage_keys_missing": _("Not set in the environment: %(names)s."),
    "storage_missing": _("The storage says that it is not there: %(error)s"),
    "storage_name": _("rclone cannot be told this name: it is no UTF-8."),
    "storage_refused": _("The storage refuses it: %(error)s"),
    "storage_unreachable": _("The storage could not be reached."),
    "upload_gone": _("The upload was removed."),
}
