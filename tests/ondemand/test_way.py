"""The whole way, as PlexLib had it: a mail, the script, a token, a request that each kind of server hears."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers import services, tokens
from mediasync.servers.models import Server
from monitors.models import Root
from tests.fakes.server import Library
from tests.ondemand import mails
from tests.servers.conftest import FAKES

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "mediasync_biff.py"
SHOW = "tv/My Fancy Show (2015)"


@pytest.mark.parametrize("kind", FAKES)
@pytest.mark.django_db(transaction=True)
def test_it_goes_from_a_mail_to_the_server(kind: str, media: Path, live_server: LiveServer) -> None:
    Root.objects.create(name="media", path=str(media))
    fake, films, shows = FAKES[kind]
    known = [Library("Films", films, [f"{media}/films"]), Library("Shows", shows, [f"{media}/tv"])]
    _row, token = tokens.create("mail", ["trigger"])
    (media / SHOW / "Season 07" / mails.FILE).write_bytes(b"x")
    with fake(known) as server:
        row = services.save(Server(name=kind, kind=kind, url=server.url), token=server.token)
        services.load_libraries(row)
        before = len(server.requests)
        done = subprocess.run(
            [sys.executable, "-I", str(SCRIPT), "-e"],
            input=mails.SYNOLOGY,
            capture_output=True,
            env={"MEDIASYNC_URL": live_server.url, "MEDIASYNC_TOKEN": token},
            timeout=120,
            check=True,
        )
        assert SHOW.encode() in done.stdout, done
        drain(Job.objects.get(kind="deliver").pk, threads=False, stop=lambda: len(server.requests) > before + 20)
        told = server.requests[before:]
        assert any(SHOW in str(each.query) + each.body.decode() for each in told), told
