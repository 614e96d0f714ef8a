"""Measure the stage ``sync`` against inserting the same rows with ``bulk_create``, in one process, on one kind of disk.

``python tests/benchmarks/sync_cost.py [SONGS] [PLAYLISTS]`` prints one JSON document. The answers have the recorded
shape of NetEase and are made beforehand; reading them (JSON) is part of what is measured, the network is not.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOP = Path(__file__).resolve().parent.parent.parent
BATCH = 1000


def song(number: int) -> dict[str, Any]:
    """Return a song with all that a recorded one says; one in ten has two artists."""
    singers = [number % 5000, number % 4999] if number % 10 == 0 else [number % 5000]
    return {
        "name": f"歌 {number}",
        "id": number,
        "pst": 0,
        "t": 0,
        "alia": [],
        "pop": 100,
        "st": 0,
        "rt": "",
        "fee": 8,
        "ar": [{"id": n, "name": f"歌手 {n}", "tns": [], "alias": []} for n in singers],
        "al": {"id": number // 12, "name": f"专辑 {number // 12}", "picUrl": "http://p1.example/a.jpg", "tns": []},
        "dt": 200_000 + number % 100_000,
        "h": {"br": 320_000, "fid": 0, "size": 7_993_513, "vd": -54_000},
        "m": {"br": 192_000, "fid": 0, "size": 4_796_125, "vd": -51_500},
        "l": {"br": 128_000, "fid": 0, "size": 3_197_430, "vd": -49_900},
        "sq": {"br": 1_532_000, "fid": 0, "size": 38_275_733, "vd": -54_000},
        "cd": "01",
        "no": 3,
        "ftype": 0,
        "mark": 270_336,
        "rtype": 0,
        "mst": 9,
        "cp": 7003,
        "mv": 0,
        "publishTime": 1_627_574_400_000,
    }


class Answers:
    """Stands for ``Http``: gives back bytes that were made beforehand, read as those of a platform are."""

    bodies: dict[str, bytes] = {}  # noqa: RUF012

    def __init__(self, **_how: Any) -> None: ...
    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: object) -> None: ...
    def json(self, url: str, params: Any = (), *, data: Any = None, **_how: Any) -> Any:
        from catalog import tolerant

        if data:
            return tolerant.read(self.bodies[f"songs {json.loads(data['c'])[0]['id']}"])
        number = dict(params).get("id") or parse_qs(urlsplit(url).query)["id"][0]
        return tolerant.read(self.bodies[f"list {number}"])


def prepare(songs: int, playlists: int) -> None:
    """Make the answers, the source and its playlists."""
    from catalog import store
    from catalog.models import Source
    from catalog.sources.base import PlaylistMeta, PlaylistRef

    each = songs // playlists
    for number in range(playlists):
        ids = list(range(number * each + 1, (number + 1) * each + 1))
        listed = {"id": number, "name": f"歌单 {number}", "trackCount": len(ids), "playCount": number}
        listed["trackIds"] = [{"id": n, "v": 7, "t": 0, "at": 1} for n in ids]
        Answers.bodies[f"list {number + 1}"] = json.dumps(
            {"code": 200, "playlist": {**listed, "id": number + 1}}
        ).encode()
        for start in range(0, len(ids), 100):
            block = [song(n) for n in ids[start : start + 100]]
            Answers.bodies[f"songs {ids[start]}"] = json.dumps({"code": 200, "songs": block}).encode()
    Source.objects.create(name="netease", plugin="netease", enabled=True, pace=0.0)
    pool = store.save_pool("netease", "playlist_square")
    metas = [PlaylistMeta(PlaylistRef("netease", str(n + 1)), f"歌单 {n}") for n in range(playlists)]
    store.save_playlists(pool, metas)


def synced() -> tuple[float, float]:
    """Run the job and return its seconds, and those that it computed."""
    from catalog import http
    from mediasync.jobs import services
    from mediasync.jobs.drain import drain

    http.Http = Answers  # type: ignore[assignment, misc]
    job = services.submit("sync_only", {}).job
    gc.collect()
    begun, computed = time.perf_counter(), time.process_time()
    job = drain(job.pk)
    seconds, computed = time.perf_counter() - begun, time.process_time() - computed
    if job.state != "completed" or job.failed:
        raise SystemExit(f"the job ended as {job.state}, {job.failed} failed")
    return seconds, computed


def inserted() -> tuple[float, float, dict[str, int]]:
    """Empty the tables, insert the same rows with ``bulk_create``; return as ``synced``, and the numbers of rows."""
    from django.db import transaction

    from catalog.models import Artist, ArtistSong, PlaylistSong, PoolArtist, Song

    order: list[Any] = [Song, Artist, PlaylistSong, ArtistSong, PoolArtist]
    rows = {model: list(model.objects.order_by("pk")) for model in order}
    with transaction.atomic():
        for model in reversed(order):
            model.objects.all()._raw_delete(model.objects.db)
    gc.collect()
    begun, computed = time.perf_counter(), time.process_time()
    for model in order:
        for start in range(0, len(rows[model]), BATCH):
            model.objects.bulk_create(rows[model][start : start + BATCH], batch_size=BATCH)  # a transaction each
    seconds, computed = time.perf_counter() - begun, time.process_time() - computed
    return seconds, computed, {model.__name__: len(found) for model, found in rows.items()}


def main(songs: int = 50_000, playlists: int = 500) -> None:
    sys.path.insert(0, str(TOP))
    folder = Path(tempfile.mkdtemp(prefix="mediasync-sync-", dir=os.environ.get("MEDIASYNC_BENCH_DIR")))
    try:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(folder),
            "MEDIASYNC_ENV_FILE": str(folder / ".env"),
            "SECRET_KEY": "only-for-benchmarks-" + "x1Y" * 15,
            "LOG_LEVEL": "WARNING",
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        prepare(songs, playlists)
        first, first_computed = synced()
        again, _computed = synced()
        plain, plain_computed, rows = inserted()
        found = {"songs": songs, "playlists": playlists, "rows": rows, "sync": first, "again": again, "insert": plain}
        found |= {"sync_by_insert": first / plain, "again_by_insert": again / plain}
        found |= {"computed_by_insert": first_computed / plain_computed}
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in found.items()}
        sys.stdout.write(json.dumps(rounded) + "\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
