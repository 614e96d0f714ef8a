"""What a call costs its sender: from its connection to our 2xx, against ``/healthz`` of the same web process.

Run as a script (``python -m tests.benchmarks.hook_cost [CALLS [CLIENTS]]``) with web, worker and watcher at work on
SQLite; prints one JSON object. Each call opens a connection of its own, as Sonarr and its kin do. The last part is a
burst of hints without the web: 10,000 files taken in, against the bare insertion of as many rows.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.installation import Installation, wait_for

BODY = {"eventType": "Download", "isUpgrade": False}


def main(calls: int, clients: int) -> None:
    with tempfile.TemporaryDirectory(prefix="hook-cost-") as folder:
        here = Installation(Path(folder))
        (here.folder / "films").mkdir()
        assert here.up("--root", str(here.folder / "films"), "--prepare-only").wait(timeout=120) == 0
        address = here.python(
            "from monitors.hooks import services as hooks\n"
            "print(json.dumps(hooks.url_of(hooks.add_hook('radarr', 'radarr'))))"
        )
        here.up()
        try:
            here.wait_ready()
            peer = timed(lambda number: ask(here.address, "GET", "/healthz"), calls, clients)
            hook = timed(lambda number: ask(here.address, "POST", address, body(here, number)), calls, clients)
            wait_for(lambda: not left(here), 120)
        finally:
            here.kill_all()
        figures = {"calls": calls, "clients": clients, "p50_ms": at(hook, 50), "p99_ms": at(hook, 99)}
        figures |= {"peer_p50_ms": at(peer, 50), "peer_p99_ms": at(peer, 99)}
        figures["by_peer"] = round(at(hook, 50) / at(peer, 50), 2)
        sys.stdout.write(json.dumps(figures | json.loads(here.manage("shell", "--no-imports", "-c", BURST))) + "\n")


def body(here: Installation, number: int) -> bytes:
    folder = f"{here.folder}/films/Film {number // 3}"
    what = {"movie": {"folderPath": folder}, "movieFile": {"relativePath": f"film {number}.mkv"}}
    return json.dumps(BODY | what).encode()


def ask(address: str, method: str, path: str, data: bytes | None = None) -> None:
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, data, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert 200 <= answer.status < 300, answer.status


def timed(call: Callable[[int], None], calls: int, clients: int) -> list[float]:
    """Return the milliseconds of each call, sorted."""
    took: list[float] = []

    def client(first: int) -> None:
        for number in range(first, calls, clients):
            begun = time.perf_counter()
            call(number)
            took.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == calls, "a call was refused"
    return sorted(took)


def at(took: list[float], percent: int) -> float:
    return round(took[min(len(took) - 1, len(took) * percent // 100)], 1)


def left(here: Installation) -> int:
    """Return how many payloads nobody has followed."""
    count: int = here.python(
        "from monitors.models import Payload\nprint(json.dumps(Payload.objects.filter(state='received').count()))"
    )
    return count


BURST = """
import json, time
from django.db import connection, transaction
from monitors.hints import intake
from monitors.models import Hint, Root
from monitors.hints.notices import Notice, Source
top = Root.objects.get().path
notices = [Notice(f"{top}/Show {n // 5}/Episode {n}.mkv") for n in range(10_000)]
begun = time.perf_counter()
with transaction.atomic():
    intake.take_in(notices, Source("sonarr", "sonarr"))
taken = time.perf_counter() - begun
row = Hint.objects.filter(source="sonarr").values().first()
count = Hint.objects.filter(source="sonarr").count()
columns = [field.column for field in Hint._meta.concrete_fields if not field.primary_key]
sql = f"INSERT INTO monitors_hint ({', '.join(f'{chr(34)}{c}{chr(34)}' for c in columns)}) SELECT " + ", ".join(
    "%s" if c == "path" else f'{chr(34)}{c}{chr(34)}' for c in columns) + " FROM monitors_hint WHERE id = %s"
begun = time.perf_counter()
with transaction.atomic(), connection.cursor() as cursor:
    cursor.executemany(sql, [(f"bare {n}", row["id"]) for n in range(10_000)])
bare = time.perf_counter() - begun
print(json.dumps({"burst_s": round(taken, 2), "burst_hints": count, "burst_by_bare": round(taken / bare, 2)}))
"""


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000, int(sys.argv[2]) if len(sys.argv) > 2 else 4)
