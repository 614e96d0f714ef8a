"""The kinds of jobs of the catalog: which stages follow one another in each. What downloads also refreshes folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import JobKind, Stage, Text

from . import scopes, uploads
from .collect_stage import Collect
from .download_stage import Download
from .export_stage import KIND as EXPORT_KIND
from .export_stage import Export
from .sync_stage import Sync
from .upload_stage import Upload

FORM = "catalog.forms_playlist.JobForm"


def _kind(name: str, label: Text, *stages: Stage) -> JobKind:
    names = {stage.name for stage in stages}
    check = scopes.check_asking if names & {"collect", "sync"} else scopes.check_scope
    return JobKind(
        name=name,
        label=label,
        stages=stages,
        lanes=scopes.download_lanes if "download" in names else scopes.general_lanes,
        title=scopes.title(name),
        check_scope=_check_upload if "upload" in names else check,
        form=FORM,
        texts=_titles(name, label),
    )


def _check_upload(scope: scopes.Scope) -> dict[str, Any]:
    """Return the scope of a job that uploads, with the backend that it goes to; UsageError where that is not clear."""
    found = scopes.check_scope(scope)
    return found | {"backend": uploads.target(found).pk}


def _titles(name: str, label: Text) -> Mapping[str, Text]:
    """Return the sentences for what ``scopes.title`` says."""
    return {
        name: label,
        f"{name}_song": format_lazy("{}: %(name)s", label),
        f"{name}_songs": format_lazy("{} (%(count)s)", label),
        f"{name}_playlist": format_lazy("{}: %(name)s", label),
        f"{name}_playlists": format_lazy("{} (%(count)s)", label),
        f"{name}_sources": format_lazy("{}: %(names)s", label),
    }


_collect, _sync, _download, _export, _upload = Collect(), Sync(), Download(), Export(), Upload()

KINDS: tuple[JobKind, ...] = (
    _kind("catalog_sync", _("Collect, synchronise and download"), _collect, _sync, _download, _export),
    _kind("collect_only", _("Collect playlists"), _collect),
    _kind("sync_only", _("Synchronise playlists"), _sync),
    _kind("sync_download", _("Synchronise and download playlists"), _sync, _download, _export),
    _kind("download_only", _("Download songs"), _download, _export),
    _kind("upload_only", _("Upload songs"), _upload),
    _kind("download_upload", _("Download and upload songs"), _download, _export, _upload),
    EXPORT_KIND,
)
