"""An installation with one Plex in which the scenes of ``sources.py`` are played."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.plex import FakePlex
from tests.fakes.server import Library
from tests.installation import Installation, wait_for

from .sources import SCENES, Caller, CloudDrive, Drive, Rclone, Scene

TOKEN = "e2e-token"
ENDED = ["completed", "completed_with_errors", "failed", "canceled", "skipped"]
KINDS = (
    *("watch", "inotify", "polling", "radarr", "autoscan", "atrain", "clouddrive", "clouddrive2"),
    *("drive_changes", "drive_activity"),
)


def place_of(kind: type[Scene], folder: Path) -> str:
    """Return the folder of a scene as servers know it, before there is a scene."""
    if kind is CloudDrive:
        return str(CloudDrive.top)
    top = folder / kind.name
    return str(top / "mount" if kind is Rclone else top if issubclass(kind, Drive) else top / "library")


def ready(here: Installation, scene: Scene, seconds: float = 90) -> None:
    """Wait until the feeds of a scene hear, and what they had missed was crawled."""
    if isinstance(scene, Caller):
        scene.connect(here)
    code = (
        "from mediasync.jobs.models import Job\nfrom monitors.models import FeedState, Root\n"
        f"root = Root.objects.get(name={scene.name!r})\n"
        "feeds = FeedState.objects.filter(root=root) | FeedState.objects.filter(account=root.account_id or 0)\n"
        "wanted = root.watch and not root.name in ('rclone',)\n"
        "fine = all(f.state == 'fine' and not f.behind for f in feeds) and (feeds.exists() or not wanted)\n"
        f"busy = Job.objects.exclude(state__in={ENDED!r}).count()\n"
        "print(json.dumps(fine and not busy))"
    )
    wait_for(lambda: here.python(code), seconds, lambda: here.log.read_text()[-4000:])


def asked(plex: FakePlex, folder: str, after: int = 0) -> bool:
    """Tell whether Plex was asked to scan a folder, or one that holds it, after so many requests."""
    told = [request.value("path") for request in plex.requests[after:] if request.path.endswith("/refresh")]
    return any(folder == path or folder.startswith(path + "/") for path in told)


def moved(here: Installation, scene: Scene) -> list[list[str]]:
    """Return (old path, new path) of each move that was found."""
    found: list[list[str]] = here.python(
        "from monitors.models import Change\n"
        f"rows = Change.objects.filter(root__name={scene.name!r}, kind='moved')\n"
        "print(json.dumps([list(row) for row in rows.values_list('old_path', 'path')]))"
    )
    return found


def follow(here: Installation, plex: FakePlex, scene: Scene, seconds: float = 120) -> dict[str, float]:
    """Let something happen in a scene; return the seconds until Plex was asked about it: added, renamed.

    A rename may be told as a scan of the folder above: what is gone cannot be scanned itself.
    """

    def said() -> str:
        return here.log.read_text()[-6000:] + json.dumps([request.value("path") for request in plex.requests])

    took = {}
    begun = time.monotonic()
    scene.add("New Film (2024)")
    wait_for(lambda: asked(plex, f"{scene.top}/New Film (2024)"), seconds, said)
    took["added"] = round(time.monotonic() - begun, 2)
    before, begun = len(plex.requests), time.monotonic()
    scene.rename("New Film (2024)", "Renamed Film (2024)")
    wait_for(lambda: asked(plex, f"{scene.top}/Renamed Film (2024)", before), seconds, said)
    took["renamed"] = round(time.monotonic() - begun, 2)
    return took


@contextmanager
def open_site(folder: Path) -> Iterator[tuple[Installation, FakePlex]]:
    """Run an installation whose hints wait for nothing, with one Plex that has a library for each scene."""
    here = Installation(folder)
    here.environment["HINT_DEBOUNCE"] = ",".join(f"{name}=0" for name in KINDS)
    places = [Library(kind.name, "movie", [place_of(kind, folder)]) for kind in SCENES]
    assert here.up("--prepare-only").wait(timeout=120) == 0
    with FakePlex(places, TOKEN) as plex:
        here.python(
            "from mediasync.servers import services\nfrom mediasync.servers.models import Server\n"
            f"server = Server(name='Plex', kind='plex', url={plex.url!r}, debounce=0, max_wait=1, pace=0.1,"
            f" root_window=1)\nservices.load_libraries(services.save(server, {TOKEN!r}))"
        )
        here.up()
        try:
            here.wait_ready()
            yield here, plex
        finally:
            here.kill_all()


@contextmanager
def play(here: Installation, plex: FakePlex, kind: type[Scene], folder: Path) -> Iterator[Scene]:
    """Set a scene up, and take its root and account away at the end."""
    scene = kind(folder)
    try:
        here.python(scene.setup())
        ready(here, scene)
        yield scene
    finally:
        here.python(
            "from monitors import services\nfrom monitors.models import Account, Root\n"
            f"[services.remove_root(root) for root in Root.objects.filter(name={scene.name!r})]\n"
            "Account.objects.filter(roots=None).delete()"
        )
        scene.close()
