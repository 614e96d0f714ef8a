"""A whole mediasync listens to three servers: each new item is recorded once, through cuts and kills."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from mediasync.servers.clients.base import Access, ScanTarget, client_class
from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer, Library
from tests.installation import Installation, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
FAKES: dict[str, tuple[type[FakeServer], str]] = {
    "plex": (FakePlex, "movie"),
    "emby": (FakeEmby, "movies"),
    "jellyfin": (FakeJellyfin, "movies"),
}
LONG_AGO = 1_000_000_000  # seconds: clouds keep the dates of files


def add(fakes: dict[str, FakeServer], media: Path, name: str) -> str:
    """Have all servers take in a film."""
    path = media / name / f"{name}.mkv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    os.utime(path, (LONG_AGO, LONG_AGO))
    for kind, fake in fakes.items():
        client = client_class(kind)(Access(fake.url, fake.token))
        client.scan([ScanTarget(str(path.parent), "Created", True, next(iter(fake.libraries)))])
        client.close()
    return str(path)


def recorded(here: Installation) -> list[list[str]]:
    code = "from mediasync.servers.models import Arrival\nrows = Arrival.objects.values_list('server__kind', 'path')"
    return sorted(here.python(f"{code}\nprint(json.dumps(list(map(list, rows))))"))


def listens(here: Installation) -> bool:
    code = "from mediasync.servers.models import Listener\nrows = Listener.objects.values_list('state', flat=True)"
    return bool(here.python(f"{code}\nprint(json.dumps(list(rows) == ['live'] * 3))"))


def test_it_records_each_item_of_each_server_once(tmp_path: Path) -> None:
    here, media = Installation(tmp_path), tmp_path / "media"
    media.mkdir()
    assert here.up("--prepare-only").wait(timeout=120) == 0
    with ExitStack() as stack:
        fakes: dict[str, FakeServer] = {}
        for kind, (fake, word) in FAKES.items():
            fakes[kind] = stack.enter_context(fake([Library("Movies", word, [str(media)])]))
            here.python(
                "from mediasync.servers import services\nfrom mediasync.servers.models import Server\n"
                f"server = Server(name={kind!r}, kind={kind!r}, url={fakes[kind].url!r})\n"
                f"services.load_libraries(services.save(server, {fakes[kind].token!r}))"
            )
        add(fakes, media, "Old (2000)")
        # What was there before must lie before the second in which the first look begins.
        vars(fakes["plex"])["added"].clear()
        here.up()
        try:
            here.wait_ready()

            def said() -> str:
                return here.log.read_text()[-4000:] + str(recorded(here))

            wait_for(lambda: listens(here), 120, said)
            films = [add(fakes, media, "New (2024)")]
            wait_for(lambda: len(recorded(here)) == 3, 120, said)
            for fake_server in fakes.values():
                fake_server.sockets.cut()
            films.append(add(fakes, media, "Cut (2024)"))
            wait_for(lambda: len(recorded(here)) == 6, 120, said)
            [watcher] = [pid for pid, command in here.processes().items() if "manage.py watch" in command]
            os.kill(watcher, signal.SIGKILL)
            films.append(add(fakes, media, "Killed (2024)"))
            wait_for(lambda: len(recorded(here)) == 9 and listens(here), 120, said)
            assert recorded(here) == sorted([kind, film] for kind in fakes for film in films)
        finally:
            here.kill_all()
