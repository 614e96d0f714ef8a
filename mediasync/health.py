"""``/healthz`` (is this process alive?) and ``/readyz`` (can work be done?), for people, Docker and load balancers.

Both answer 200 or 503 with JSON, hold no secrets, and ask for no login. Names as in docs/engine.md.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mediasync.core.clock import system
from mediasync.jobs.choices import WorkerState
from mediasync.jobs.models import EngineState, Worker

SILENT = dt.timedelta(seconds=30)  # without a tick or beat for so long, the worker counts as gone
ROOM = 200 * 1024 * 1024  # bytes that must be free where the database lies


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when this process serves and the database answers."""
    return _answer({"database": _database})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when jobs can run: worker and conductor alive, migrations applied, room on the disk."""
    return _answer(
        {"database": _database, "migrations": _migrations, "worker": _worker, "conductor": _conductor, "disk": _disk}
    )


def _answer(checks: dict[str, Callable[[], str]]) -> JsonResponse:
    found = {}
    for name, check in checks.items():
        try:
            found[name] = check() or "ok"
        except DatabaseError:
            found[name] = "database does not answer"
    good = all(text == "ok" for text in found.values())
    return JsonResponse({"status": "ok" if good else "failing", "checks": found}, status=200 if good else 503)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(pending)} migrations are not applied" if pending else ""


def _worker() -> str:
    alive = Worker.objects.filter(beat_at__gt=system.now() - SILENT).exclude(state=WorkerState.GONE)
    return "" if alive.exists() else "no worker is running"


def _conductor() -> str:
    tick = EngineState.objects.values_list("last_tick", flat=True).first()
    return "" if tick and system.now() - tick < SILENT else "the conductor has not ticked for 30 s"


def _disk() -> str:
    free = shutil.disk_usage(settings.DATA_DIR).free
    return "" if free > ROOM else f"only {free // 2**20} MiB are free in the data folder"
