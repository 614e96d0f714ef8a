"""``manage.py worker``: the processes that work, and the conductor that tells them on what."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mediasync.core import processes
from mediasync.core.errors import MediasyncError
from mediasync.jobs.cluster import Cluster, OnlyOne
from mediasync.jobs.supervisor import Supervisor


class Command(BaseCommand):
    """Supervise the cluster and conduct until SIGTERM or Ctrl-C; ends within 7 s and leaves no process."""

    help = "Work on jobs until SIGTERM or Ctrl-C: supervisor of the worker processes, and conductor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, default=settings.WORKERS, help="worker processes (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        workers = options["workers"]
        if workers < 1:
            raise CommandError("--workers must be at least 1.", returncode=2)
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        only = OnlyOne(settings.DATA_DIR)
        try:
            only.acquire()
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        environment = os.environ | {
            "WORKERS": str(workers),
            "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        }
        supervisor = Supervisor(
            lambda clock: Cluster(
                [sys.executable, os.path.abspath(sys.argv[0]), "qcluster"], environment, only.note, clock
            ),
            workers=workers,
        )
        processes.adopt_orphans()
        signal.signal(signal.SIGTERM, supervisor.on_signal)
        signal.signal(signal.SIGINT, supervisor.on_signal)
        supervisor.run()
