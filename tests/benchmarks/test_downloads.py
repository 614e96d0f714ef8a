"""Planning a download: 50,000 songs in 500 playlists become items in groups within 10 s."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from catalog.download_stage import Download
from catalog.models import Playlist, PlaylistSong
from mediasync.core.clock import system
from mediasync.jobs import leases
from mediasync.jobs.models import Group, Item
from mediasync.jobs.planning import Planner
from mediasync.jobs.registry import JobInfo
from tests.catalog.downloading import downloading, source
from tests.catalog.rows import keep, local_backend, make_playlist, make_songs

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PLAYLISTS, EACH = 500, 100
BOUND = 10.0  # seconds of this process


def test_a_download_of_everything_is_planned_quickly() -> None:
    songs, disk = make_songs(PLAYLISTS * EACH), local_backend()
    disk.is_default = True
    disk.save()
    source("library", folder="/nowhere")
    playlists = [make_playlist(f"List {n}", songs[n * EACH : (n + 1) * EACH]) for n in range(PLAYLISTS)]
    everything = make_playlist("The best of all", songs[::10])
    keep(songs[:100], disk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with downloading() as bench:
        lease = leases.claim(bench.job.pk, bench.job.epoch, "host/boot/1", clock=system)
        assert lease is not None
        stage, row = Download(), bench.stage()
        began = time.process_time()
        info = JobInfo(bench.job.pk, bench.job.kind, {}, {}, "manual", "")
        assert Planner(row, lease).run(stage.plan(info, None), lambda resumable: False)
        took = time.process_time() - began
    assert Item.objects.count() == PLAYLISTS * EACH - 100
    assert Group.objects.count() == PLAYLISTS - 1  # of the first all is here; of the last each song is in another
    assert Playlist.objects.count() == len(playlists) + 1 and everything.pk
    assert PlaylistSong.objects.count() == PLAYLISTS * EACH * 11 // 10
    assert took < BOUND, f"{took:.1f} s"
