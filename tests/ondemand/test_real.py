"""A whole installation: a mail in a folder, and the script against the real web process, end at a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.imap import PASSWORD, FakeImap
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library
from tests.installation import TOP, Installation, wait_for
from tests.ondemand import mails

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]


def test_mails_reach_the_server_through_watcher_web_and_worker(
    media: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("installation")
    here = Installation(folder)
    libraries = [Library("Films", "movie", [f"{media}/films"]), Library("Shows", "show", [f"{media}/tv"])]
    with FakeImap(mails.QUIET, mails.SYNOLOGY) as imap, FakePlex(libraries) as plex:
        here.environment["IMAP_URL"] = f"imap://me@127.0.0.1:{imap.port}/Downloads"
        here.environment["IMAP_PASSWORD"] = PASSWORD

        def scanned(name: str) -> bool:
            return any((request.value("path") or "").endswith(name) for request in plex.requests)

        assert here.up("--prepare-only").wait(timeout=120) == 0
        token = here.python(
            "from mediasync.servers import services, tokens\nfrom mediasync.servers.models import Server\n"
            f"server = Server(name='Plex', kind='plex', url={plex.url!r}, pace=0.1)\n"
            f"services.load_libraries(services.save(server, {plex.token!r}))\n"
            "print(json.dumps(tokens.create('mail', ['trigger'])[1]))"
        )
        here.up()
        try:
            here.wait_ready(120)
            wait_for(lambda: scanned("tv/My Fancy Show (2015)"), 120, lambda: here.log.read_text()[-4000:])
            wait_for(lambda: "\\Seen" in imap.mails[2].flags, 60)
            assert "\\Seen" not in imap.mails[1].flags
            done = subprocess.run(
                [sys.executable, "-I", str(TOP / "scripts" / "mediasync_biff.py"), "-e"],
                input=mails.QBITTORRENT,
                capture_output=True,
                env={"MEDIASYNC_URL": f"http://{here.address}", "MEDIASYNC_TOKEN": token},
                timeout=120,
                check=True,
            )
            assert b"A & B (2020)" in done.stdout.partition(b"-- mediasync:")[2], done
            wait_for(lambda: scanned("films/A & B (2020)"), 120, lambda: here.log.read_text()[-4000:])
            assert token not in here.log.read_text()
            assert PASSWORD not in here.log.read_text()
        finally:
            here.kill_all()
