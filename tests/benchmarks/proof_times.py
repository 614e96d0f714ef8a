"""Seconds from a new file to the proof that each kind of server knows it: ``python -m tests.benchmarks.proof_times``.

Through real processes and fakes that take a file in at once; all pauses as they are set out of the box, or none with
``--no-rest``. Not held to a bound: the pauses make most of it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.fakes.emby import FakeEmby
from tests.fakes.jellyfin import FakeJellyfin
from tests.fakes.plex import FakePlex
from tests.fakes.server import FakeServer, Library
from tests.installation import Installation, wait_for

EPISODES = 9
KINDS: dict[str, type[FakeServer]] = {"plex": FakePlex, "emby": FakeEmby, "jellyfin": FakeJellyfin}
REST = {"debounce": 0, "max_wait": 1, "pace": 0.1}


def main(*, rest: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="proofs-") as name, ExitStack() as stack:
        folder = Path(name)
        season = folder / "tv/Show/Season 1"
        season.mkdir(parents=True)
        (season / "Show S01E00.mkv").write_bytes(b"x")  # else the show is new, and Jellyfin collects those for 5 min
        shelf = [Library("TV", "show", [str(folder / "tv")])], [Library("TV", "tvshows", [str(folder / "tv")])]
        fakes = {kind: stack.enter_context(fake(shelf[kind != "plex"])) for kind, fake in KINDS.items()}
        here = Installation(folder)
        if not rest:
            here.environment["HINT_DEBOUNCE"] = "watch=0,inotify=0"
        stack.callback(here.kill_all)
        assert here.up("--prepare-only").wait(timeout=120) == 0
        here.python(setup(fakes, {} if rest else REST, folder / "tv"))
        here.up()
        here.wait_ready()
        wait_for(lambda: here.python(LISTENING), 90, here.log.read_text)
        for number in range(1, EPISODES + 1):
            (season / f"Show S01E{number:02}.mkv").write_bytes(b"x")
        wait_for(lambda: here.python(PROVED), 600, here.log.read_text)
        for kind, (state, median) in here.python(FIGURES).items():
            sys.stdout.write(f"{kind:10} {json.dumps(state):20} change → verified, median {median:6.2f} s\n")


def setup(fakes: dict[str, FakeServer], options: dict[str, Any], tv: Path) -> str:
    lines = [
        f"server = Server(name={kind!r}, kind={kind!r}, url={fake.url!r}, **{options!r})\n"
        f"servers.load_libraries(servers.save(server, {fake.token!r}))"
        for kind, fake in fakes.items()
    ]
    return (
        "from mediasync.servers import services as servers\nfrom mediasync.servers.models import Server\n"
        "from monitors import services\nfrom mediasync.jobs import drain\n" + "\n".join(lines) + "\n"
        f"root = services.add_root({str(tv)!r}, 'tv', crawl=False, watch=True)\n"
        "drain.drain(services.request_crawl(root).job.pk)\n"
    )


LISTENING = (
    "from monitors.models import FeedState\nfrom mediasync.servers.models import Listener\n"
    "fine = FeedState.objects.filter(state='fine', behind=[]).exists()\n"
    "print(json.dumps(fine and Listener.objects.filter(state='live').count() == 3))"
)
PROVED = (
    "from scanning.models import ScanRequest\nrows = ScanRequest.objects.all()\n"
    "print(json.dumps(rows.values('server').distinct().count() == 3 and not rows.exclude(state='verified').exists()))"
)
FIGURES = (
    "import datetime as dt\nfrom mediasync.servers.models import Server\nfrom scanning.figures import figures\n"
    "names = dict(Server.objects.values_list('pk', 'name'))\n"
    "found = figures(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))\n"
    "print(json.dumps({names[key[0]]: (each.states, each.median) for key, each in found.items()}))"
)

if __name__ == "__main__":
    main(rest="--no-rest" not in sys.argv)
