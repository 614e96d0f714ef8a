"""The whole way, as PlexLib had it: a mail, the script, a token, a request that each kind of server hears."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from mediasync.core.errors import NotFound
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.ondemand import services as ondemand
from mediasync.ondemand.distant import folder_in
from mediasync.ondemand.naming import parse
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


@pytest.mark.parametrize("kind", FAKES)
@pytest.mark.django_db
def test_it_asks_the_server_for_titles_that_nothing_here_can_see(kind: str, media: Path) -> None:
    fake, films, shows = FAKES[kind]
    known = [Library("Films", films, [f"{media}/films"]), Library("Shows", shows, [f"{media}/tv"])]
    (media / SHOW / "Season 07" / "My Fancy Show - S07E01.mkv").write_bytes(b"x")
    with fake(known) as server:
        for library in server.libraries.values():
            library.look(library.paths[0])
        row = services.save(Server(name=kind, kind=kind, url=server.url, unmatched="drop"), token=server.token)
        services.load_libraries(row)
        update = ondemand.by_name(mails.FILE)
        assert [(each.library, each.path) for each in update.asked] == [("Shows", f"{media}/{SHOW}")]
        film = ondemand.by_name("Flat.Film.2001.mkv")
        flat = f"{media}/films" if kind == "plex" else f"{media}/films/Flat Film (2001).mkv"  # Plex takes folders
        assert [each.path for each in film.asked] == [flat]
        with pytest.raises(NotFound) as caught:
            ondemand.by_name("No Such Show S01E01.mkv")
        assert caught.value.code == "no_place"
    with pytest.raises(NotFound):  # and now it is away
        ondemand.by_name(mails.FILE)


@pytest.mark.parametrize(
    ("path", "location", "expected"),
    [
        ("D:\\tv\\My Fancy Show\\S01\\x.mkv", "d:/TV", ("D:\\tv\\My Fancy Show", True)),
        ("/films/My Fancy Show (2001).mkv", "/films", ("/films/My Fancy Show (2001).mkv", False)),
        ("/tv/My Fancy Show", "/tv", ("/tv/My Fancy Show", True)),
        ("/tv/Other/My Fancy Shows.mkv", "/tv", None),
        ("smb://nas/My Fancy Show", "/tv", None),
        ("/other/My Fancy Show/x.mkv", "/tv", None),
    ],
)
def test_it_finds_the_folder_in_what_a_server_names(
    path: str, location: str, expected: tuple[str, bool] | None
) -> None:
    found = folder_in(path, location, parse(mails.FILE))
    assert (found and (found.path, found.is_dir)) == expected
