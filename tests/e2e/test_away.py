"""Three servers in a whole installation: one answers at once, one only after long, one is away and comes back."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer, Library, Request, Response
from tests.installation import Installation, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]
TOKEN = "e2e-token"
SERVER = (
    "from mediasync.servers import services\nfrom mediasync.servers.models import Server\n"
    "server = Server(name={kind!r}, kind={kind!r}, url={url!r}, debounce=0, max_wait=0, root_window=0, pace=0,"
    " verify=False, read_timeout=120)\nservices.load_libraries(services.save(server, {token!r}))"
)


class Slow(FakeJellyfin):
    """It takes its time with every scan, until ``patience`` is set."""

    def __init__(self, libraries: list[Library], token: str) -> None:
        super().__init__(libraries, token)
        self.patience = threading.Event()
        self.asked = threading.Event()

    def answer(self, request: Request) -> Response:
        if request.method == "POST":
            self.asked.set()
            self.patience.wait(100)
        return super().answer(request)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.kill_all()


def put(folder: Path, *names: str) -> list[str]:
    """Add episodes to seasons that are known; return their paths."""
    for name in names:
        (folder / name).write_bytes(b"x")
    return [str(folder / name) for name in names]


def sync(here: Installation) -> None:
    here.python(
        "from mediasync.jobs import services\nfrom monitors.models import Root\n"
        "services.submit('sync', {'root': Root.objects.get().pk})"
    )


def updates(fake: FakeServer) -> Counter[str]:
    """Count how often each path was named to an Emby or Jellyfin."""
    posts = [json.loads(request.body) for request in fake.requests if request.path.endswith("/Media/Updated")]
    return Counter(update["Path"] for post in posts for update in post["Updates"])


def sent(here: Installation, server: str) -> list[str]:
    """Return the paths that a server was told, in the order in which it was."""
    found: list[str] = here.python(
        "from scanning.models import ScanRequest\n"
        f"rows = ScanRequest.objects.filter(server__name={server!r}, state='sent').order_by('sent_at')\n"
        "print(json.dumps(list(rows.values_list('path', flat=True))))"
    )
    return found


def test_a_slow_server_delays_no_other_and_one_that_was_away_hears_all_once(here: Installation, tmp_path: Path) -> None:
    season = tmp_path / "tv/Show/S1"
    season.mkdir(parents=True)
    put(season, "0.mkv")
    shelf = [str(tmp_path / "tv")]

    def said() -> str:
        return here.log.read_text()[-4000:]

    assert here.up("--root", shelf[0], "--prepare-only").wait(timeout=120) == 0
    with ExitStack() as stack:
        plex = stack.enter_context(FakePlex([Library("TV", "show", shelf)], TOKEN))
        jellyfin = stack.enter_context(Slow([Library("TV", "tvshows", shelf)], TOKEN))
        stack.callback(jellyfin.patience.set)
        with FakeEmby([Library("TV", "tvshows", shelf)], TOKEN) as emby:
            for fake in (plex, jellyfin, emby):
                here.python(SERVER.format(kind=fake.kind.lower(), url=fake.url, token=TOKEN))
            port = urlsplit(emby.url).port or 0
        here.up()
        here.wait_ready()

        first = put(season, "1.mkv")
        sync(here)
        assert jellyfin.asked.wait(90), said()
        wait_for(lambda: sent(here, "plex"), 90, said)
        second = put(season, "2.mkv")
        sync(here)
        wait_for(lambda: len(sent(here, "plex")) == 2, 90, said)
        assert sent(here, "jellyfin") == []  # still at its first, while the other was told twice
        jellyfin.patience.set()
        wait_for(lambda: len(sent(here, "jellyfin")) == 2, 90, said)
        assert updates(jellyfin) == Counter(first + second)

        here.kill_all()  # what waits for the one that is away outlives everything
        here.up()
        here.wait_ready()
        third = put(season, "3.mkv", "4.mkv")
        sync(here)
        wait_for(lambda: len(sent(here, "jellyfin")) == 4, 90, said)
        assert sent(here, "emby") == []
        emby = stack.enter_context(FakeEmby([Library("TV", "tvshows", shelf)], TOKEN, port))
        here.login()
        page = "/admin/servers/server/"
        number = here.python(
            "from mediasync.servers.models import Server\nprint(json.dumps(Server.objects.get(name='emby').pk))"
        )
        here.post(f"{page}{number}/test_connection/", page=f"{page}{number}/change/")
        wait_for(lambda: len(sent(here, "emby")) == 4, 90, said)
        assert updates(emby) == Counter(first + second + third)
