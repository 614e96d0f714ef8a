"""``manage.py up``: the whole of mediasync on one machine, with nothing to set up first."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mediasync.core import processes
from mediasync.core.errors import MediasyncError
from mediasync.ui.up import prepare
from mediasync.ui.up.lock import RunLock
from mediasync.ui.up.supervisor import Child, Supervisor


class Command(BaseCommand):
    """Prepare the installation, then run web, worker and watcher until Ctrl-C or SIGTERM."""

    help = "Set up what is missing, then run the web pages, the worker and the watcher until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--root", metavar="PATH", help="add this folder and crawl it before anything else")
        parser.add_argument("--links", metavar="PATH", help="with --root: keep links to its videos in this folder")
        parser.add_argument("--no-backup", action="store_true", help="no backup before migrations")
        parser.add_argument("--prepare-only", action="store_true", help="set everything up and exit")

    def handle(self, *args: Any, **options: Any) -> None:
        prepare.folders()
        lock = RunLock(settings.DATA_DIR / "up.lock", address=settings.LISTEN)
        try:
            lock.acquire()
            prepare.migrate(self._say, keep_backup=not options["no_backup"])
            prepare.static_files()
            prepare.first_admin(self._say)
        except MediasyncError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        if options["root"]:
            self._first_root(options["root"], options["links"])
        if options["prepare_only"]:
            return
        _refuse_taken(settings.LISTEN)
        self._say(f"mediasync runs at http://{settings.LISTEN}/  (Ctrl-C ends it)")
        Supervisor(_children(), self._say).run()
        self._say("mediasync has ended.")

    def _first_root(self, root: str, links: str | None) -> None:
        """Add and crawl ``root`` in a process of its own: this one must stay small and know no feature."""
        commands = [["crawl", "--add", root]]
        if links:
            commands.append(["link", "--to", links, root])
        for command in commands:
            code = subprocess.call([sys.executable, sys.argv[0], *command], preexec_fn=processes.die_with_parent)
            if code not in (0, 3):  # 3: completed with errors, which the summary has shown
                raise CommandError(f"`manage.py {' '.join(command)}` failed; see above.", returncode=code)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _children() -> list[Child]:
    manage = [sys.executable, os.path.abspath(sys.argv[0])]
    web = [
        sys.executable, "-m", "gunicorn", "mediasync.wsgi", "--chdir", str(settings.BASE_DIR),
        "--bind", settings.LISTEN, "--worker-class", "mediasync.ui.up.web.Worker", "--workers", "1",
        "--threads", str(settings.WEB_THREADS), "--graceful-timeout", "5", "--no-control-socket",
    ]  # fmt: skip
    return [Child("web", web), Child("worker", [*manage, "worker"]), Child("watch", [*manage, "watch"])]


def _refuse_taken(address: str) -> None:
    """Say at once that the port is taken, instead of letting the web process fail again and again."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, ValueError, OverflowError) as error:
            raise CommandError(
                f"Cannot listen on {address}: {error}. Set LISTEN to another host:port.", returncode=2
            ) from error
