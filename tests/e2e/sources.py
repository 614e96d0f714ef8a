"""The ways in which news of a change comes to mediasync, each as a scene: a root, and what its users do there.

``setup`` is run in a Django shell of the installation and makes account, root and hook; ``add`` and ``rename`` are what
happens out in the world, and what the source says of it.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.fakes.clouddrive import FakeCloudDrive
from tests.fakes.gdrive import FakeDrive
from tests.fakes.gdrive_tree import FakeTree
from tests.installation import Installation
from tests.monitors.rclone.daemon import BINARIES, Daemon

PASSWORD = "right horse"


class Scene:
    """Base: a root on a local disk that nothing watches. ``top`` is the folder as servers know it."""

    name = "plain"
    options = "watch=False"
    account = ""  # code that makes ``account``

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name
        self.disk = self.folder / "library"
        self.disk.mkdir(parents=True)
        self.put("Old Film (1999)")

    @property
    def top(self) -> str:
        return str(self.disk)

    def close(self) -> None:
        """End what the scene started."""

    def setup(self) -> str:
        """Return the code that makes the root, and crawls it."""
        return (
            "from monitors import services\nfrom monitors.hooks import services as hooks\n"
            "from monitors.models import Account, Root\n"
            "from monitors.accounts.secrets import set_secrets\nfrom mediasync.jobs import drain\n"
            f"account = None\n{self.account}\n"
            f"root = services.add_root({self.top!r}, {self.name!r}, account=account, crawl=False, {self.options})\n"
            "drain.drain(services.request_crawl(root).job.pk)\n"
        )

    def put(self, film: str) -> Path:
        """Make the folder of a film on the disk; its file has been at rest for an hour."""
        made = self.disk / film
        made.mkdir()
        (made / "film.mkv").write_bytes(film.encode() * 100)
        hour_ago = time.time() - 3600
        os.utime(made / "film.mkv", (hour_ago, hour_ago))
        return made

    def add(self, film: str) -> None:
        self.put(film)

    def rename(self, old: str, new: str) -> None:
        (self.disk / old).rename(self.disk / new)


class Inotify(Scene):
    name = "inotify"
    options = "watch=True"


class Polling(Scene):
    name = "polling"
    options = "watch=True, feed='polling', feed_every=1, poll_budget=6000"


class Caller(Scene):
    """Somebody who calls a hook."""

    kind = "generic"
    options = "watch=False"

    @property
    def account(self) -> str:  # type: ignore[override]
        return f"hooks.add_hook({self.name!r}, {self.kind!r}, password={PASSWORD!r}, username='me')"

    def connect(self, here: Installation) -> None:
        self.base = f"http://{here.address}"
        code = (
            "from monitors.hooks import services as hooks\nfrom monitors.models import Hook\n"
            f"h = Hook.objects.get(name={self.name!r})"
        )
        self.url = self.base + here.python(f"{code}\nprint(json.dumps(hooks.url_of(h)))")

    def call(self, url: str, body: Any = b"") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        pair = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {pair}"}
        request = urllib.request.Request(url, data, headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=90) as answer:
            assert 200 <= answer.status < 300


class Radarr(Caller):
    name = kind = "radarr"

    def add(self, film: str) -> None:
        made = self.put(film)
        movie = {"id": 1, "title": film, "folderPath": str(made)}
        file = {"relativePath": "film.mkv", "path": "/downloads/film.mkv"}
        self.call(self.url, {"eventType": "Download", "movie": movie, "movieFile": file, "isUpgrade": False})

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        files = [{"previousPath": f"{self.top}/{old}/film.mkv", "relativePath": "film.mkv"}]
        movie = {"id": 1, "title": new, "folderPath": f"{self.top}/{new}"}
        self.call(self.url, {"eventType": "Rename", "movie": movie, "renamedMovieFiles": files})


class Autoscan(Caller):
    """A program that was set up for autoscan: only the host has changed."""

    name, kind = "manual", "autoscan"

    def add(self, film: str) -> None:
        made = self.put(film)
        self.call(f"{self.base}/triggers/manual?dir={quote(str(made))}")

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        dirs = "&".join(f"dir={quote(f'{self.top}/{each}')}" for each in (old, new))
        self.call(f"{self.base}/triggers/manual?{dirs}")


class ATrain(Caller):
    name, kind = "drive-1", "atrain"

    def add(self, film: str) -> None:
        made = self.put(film)
        self.call(f"{self.base}/triggers/a-train/drive-1", {"created": [str(made)], "deleted": []})

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        said = {"created": [f"{self.top}/{new}"], "deleted": [f"{self.top}/{old}"]}
        self.call(f"{self.base}/triggers/a-train/drive-1", said)


class CloudDriveHook(Caller):
    """What CloudDrive2's own webhook says; here its names are those of the disk."""

    name, kind = "cd2hook", "clouddrive2"

    def say(self, **change: str) -> None:
        body = {"device_name": "nas", "event_category": "file", "event_name": "notify", "data": [change]}
        self.call(f"{self.base}/file_notify", body)

    def add(self, film: str) -> None:
        made = self.put(film)
        self.say(action="create", is_dir="true", source_file=str(made), destination_file="")

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self.say(action="rename", is_dir="true", source_file=f"{self.top}/{old}", destination_file=f"{self.top}/{new}")


class CloudDrive(Scene):
    """A CloudDrive2 of which nothing lies on this machine: listed and heard over gRPC."""

    name = "clouddrive"
    options = "lister='clouddrive', remote_path='/115/TV', mounted=False"
    top = "/cloud/TV"  # type: ignore[assignment]

    def __init__(self, folder: Path) -> None:
        self.cloud = FakeCloudDrive()
        self.cloud.start()
        self.add_quietly("Old Film (1999)")

    @property
    def account(self) -> str:  # type: ignore[override]
        return (
            f"account = Account(name='115', kind='clouddrive', options={{'address': {self.cloud.address!r}}},"
            " per_second=1000)\nset_secrets(account, {'token': 'good'})\naccount.save()"
        )

    def close(self) -> None:
        self.cloud.stop()

    def add_quietly(self, film: str) -> None:
        self.cloud.mkdir(f"/115/TV/{film}")
        self.cloud.put(f"/115/TV/{film}/film.mkv", 100 + len(film))

    def add(self, film: str) -> None:
        self.add_quietly(film)
        self.cloud.push_change(f"/115/TV/{film}", is_dir=True)

    def rename(self, old: str, new: str) -> None:
        self.cloud.rename(f"/115/TV/{old}", f"/115/TV/{new}")
        self.cloud.push_change(f"/115/TV/{old}", kind=2, is_dir=True, new=f"/115/TV/{new}")


class Drive(Scene):
    """A Google Drive that shows in a folder here, as a mount would."""

    feed = ""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / self.name
        self.disk.mkdir()
        self.fake = FakeDrive(FakeTree(mirror=self.disk))
        self.fake.__enter__()
        self.ids: dict[str, str] = {}
        self.add("Old Film (1999)")

    @property
    def account(self) -> str:  # type: ignore[override]
        options = {"client_id": "me", "endpoint": self.fake.url, "token_uri": f"{self.fake.url}/token"}
        return (
            f"account = Account(name={self.name!r}, kind='gdrive', options={options!r}, per_second=1000)\n"
            "set_secrets(account, {'client_secret': 's', 'refresh_token': 'refresh-me'})\naccount.save()"
        )

    @property
    def options(self) -> str:  # type: ignore[override]
        return f"watch=True, feed={self.name!r}, remote_path='/', feed_every=1"

    def close(self) -> None:
        self.fake.__exit__(None, None, None)

    def add(self, film: str) -> None:
        self.fake.tree.now = dt.datetime.now(dt.UTC)
        self.ids[film] = self.fake.tree.folder(film)
        self.fake.tree.add("film.mkv", self.ids[film])
        hour_ago = time.time() - 3600 - len(self.ids)
        os.utime(self.disk / film / "film.mkv", (hour_ago, hour_ago))

    def rename(self, old: str, new: str) -> None:
        self.fake.tree.now = dt.datetime.now(dt.UTC)
        self.fake.tree.rename(self.ids[old], new)


class DriveChanges(Drive):
    name = "drive_changes"


class DriveActivity(Drive):
    name = "drive_activity"


class Rclone(Radarr):
    """A real rclone mount that hides for an hour what others do, and a Radarr that tells of it."""

    name = "rclone"
    kind = "radarr"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.point = self.folder / "mount"
        self.point.mkdir()
        self.daemon = Daemon(BINARIES["newer"], self.folder, self.disk, self.point)
        self.daemon.__enter__()

    @property
    def top(self) -> str:
        return str(self.point)

    @property
    def account(self) -> str:  # type: ignore[override]
        return (
            f"{super().account}\n"
            f"account = Account(name='rclone', kind='rclone', options={{'address': {self.daemon.url!r}, 'user': 'u'}},"
            " per_second=1000)\nset_secrets(account, {'password': 'pass-word'})\naccount.save()"
        )

    def put(self, film: str) -> Path:
        super().put(film)
        return Path(self.top) / film if hasattr(self, "point") else self.disk / film

    def close(self) -> None:
        subprocess.run(["fusermount3", "-uz", self.top], check=False, capture_output=True)
        self.daemon.__exit__(None, None, None)


SCENES: tuple[type[Scene], ...] = (
    *(Inotify, Polling, Radarr, Autoscan, ATrain, CloudDriveHook),
    *(CloudDrive, DriveChanges, DriveActivity, Rclone),
)
