"""``manage.py watch``: hear of changes all the time."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from monitors.feeds.watch import Watcher


class Command(BaseCommand):
    """Run the watcher until SIGTERM or Ctrl-C."""

    help = "Run the feeds of all roots and ask for a look wherever something changed; Ctrl-C ends it."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Watcher().run(stop)
