"""Send playlists to the job that each needs: synchronised first if it never was; what is here is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mediasync.core.errors import NotFound, UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import WAITING, Trigger
from mediasync.jobs.models import Job
from mediasync.jobs.services import Submitted

from .models import Playlist
from .selectors import State, with_status

MOST = 1000  # playlists in one request


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of a selection: ids by what each needed, and the jobs that do it."""

    ready: list[int] = field(default_factory=list)  # all of their songs are here
    to_sync: list[int] = field(default_factory=list)
    to_download: list[int] = field(default_factory=list)
    sync_job: Submitted | None = None
    download_job: Submitted | None = None


def sort_out(playlists: Sequence[int]) -> Routed:
    """Say what each playlist needs; raises what ``_known`` raises."""
    wanted, states = _known(playlists, "status")
    routed = Routed()
    for pk in wanted:
        if states[pk] == State.UNSYNCED:
            routed.to_sync.append(pk)
        else:
            (routed.ready if states[pk] == State.DOWNLOADED else routed.to_download).append(pk)
    return routed


def download(playlists: Sequence[int], *, actor: str, trigger: Trigger = Trigger.MANUAL) -> Routed:
    """Queue what is wanting, as one job or two: sync_download for what was never synchronised, download_only."""
    routed = sort_out(playlists)
    sync = download_only = None
    if routed.to_sync:
        sync = jobs.submit("sync_download", {"playlists": routed.to_sync}, actor=actor, trigger=trigger)
    if routed.to_download:
        download_only = jobs.submit("download_only", {"playlists": routed.to_download}, actor=actor, trigger=trigger)
    return Routed(routed.ready, routed.to_sync, routed.to_download, sync, download_only)


def download_song(song: int, *, actor: str) -> Submitted:
    """Queue the download of one song; a job for such songs that has not begun yet takes it along."""
    with transaction.atomic():
        waiting = Job.objects.filter(kind="download_only", state__in=WAITING, scope__has_key="songs").order_by("-pk")
        for job in waiting[:1]:
            songs = job.scope["songs"]
            if set(job.scope) == {"songs"} and len(songs) < MOST and jobs.widen(job, {"songs": [*songs, song]}):
                return Submitted(job, deduplicated=True)
    return jobs.submit("download_only", {"songs": [song]}, actor=actor)


def want(playlists: Sequence[int], wanted: bool) -> str:
    """Put playlists on the wanted list, or take them off, and say how many changed; raises what ``_known`` raises."""
    _known(playlists, "wanted")
    count = Playlist.objects.filter(pk__in=playlists, wanted=not wanted).update(wanted=wanted)
    if wanted:
        return ngettext("%d playlist is wanted now.", "%d playlists are wanted now.", count) % count
    return ngettext("%d playlist is not wanted any more.", "%d playlists are not wanted any more.", count) % count


def _known(playlists: Sequence[int], fact: str) -> tuple[list[int], dict[int, Any]]:
    """Return a selection, each playlist once, and a fact of each.

    Raises UsageError for none and for too many, NotFound for a wrong id.
    """
    chosen = list(dict.fromkeys(playlists))
    if not chosen:
        raise UsageError(_("Choose at least one playlist."), code="no_playlists")
    if len(chosen) > MOST:
        raise UsageError(_("At most %d playlists at once.") % MOST, code="too_many_playlists")
    facts = dict(with_status(Playlist.objects.filter(pk__in=chosen)).values_list("pk", fact))
    if missing := [pk for pk in chosen if pk not in facts]:
        raise NotFound(f"There is no playlist {missing[0]}.", code="no_playlist", playlist=missing[0])
    return chosen, facts


def said(routed: Routed) -> str:
    """Say what became of a selection, in a sentence for each part of it."""
    parts = []
    if routed.sync_job:
        n = len(routed.to_sync)
        text = ngettext(
            "%(n)d playlist is synchronised and downloaded by job #%(job)d.",
            "%(n)d playlists are synchronised and downloaded by job #%(job)d.",
            n,
        )
        parts.append(text % {"n": n, "job": routed.sync_job.job.pk})
    if routed.download_job:
        n = len(routed.to_download)
        text = ngettext(
            "%(n)d playlist is downloaded by job #%(job)d.", "%(n)d playlists are downloaded by job #%(job)d.", n
        )
        parts.append(text % {"n": n, "job": routed.download_job.job.pk})
    if routed.ready:
        n = len(routed.ready)
        parts.append(ngettext("%d playlist is here already.", "%d playlists are here already.", n) % n)
    return " ".join(parts)


def queued(submitted: Submitted) -> str:
    """Say which job stands for a request."""
    text = _("Job #%d waits for that already.") if submitted.deduplicated else _("Job #%d was queued.")
    return text % submitted.job.pk
