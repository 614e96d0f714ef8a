"""The whole chain by commands, with real servers: recorded platforms, a Subsonic server, an object storage, a zip."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.server import Request

from . import audio, supysonic
from .platforms import (
    KUWO_CHART,
    KUWO_MENU,
    KUWO_SQUARE,
    NETEASE_DETAIL,
    NETEASE_SONGS,
    NETEASE_SQUARE,
    NETEASE_TOPLIST,
    QQ_DETAIL,
    QQ_NEW,
    QQ_SQUARE,
    kuwo_menu,
    kuwo_square,
    netease_song,
    netease_square,
    qq_toplists,
)
from .replay import Replay, form, recorded, recorded_json
from .storage import servers

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
LISTS = """# three platforms
https://music.163.com/#/playlist?id=7775163417
qq,https://y.qq.com/n/ryqq/playlist/7024415872
https://www.kuwo.cn/rankList?bangId=16
"""
SOURCES = """
from catalog.models import DownloadSource, Source
from catalog.reach import seal
for name in ("netease", "qq", "kuwo"):
    Source.objects.filter(name=name).update(enabled=True, pace=0, settings={{"relay": {relay!r}}})
DownloadSource.objects.update(enabled=False)
DownloadSource.objects.create(name="navi", plugin="subsonic", enabled=True, secret_sealed=seal({password!r}),
    settings={{"address": {subsonic!r}, "user": {user!r}}})
"""
STATE = """
import json
from catalog.models import *
from catalog.selectors import with_coverage
from catalog.songs import local_files
from mediasync.jobs.models import Job
rows = with_coverage().exclude(synced_at=None)
print(json.dumps({
    "lists": {row.platform: [row.pk, row.status, row.downloaded_songs, row.total_songs] for row in rows},
    "local": sorted(local_files().values_list("locator", flat=True)),
    "remote": sorted(FileLocation.objects.exclude(backend__kind="local_fs").values_list("locator", flat=True)),
    "tasks": sorted(UploadTask.objects.values_list("state", flat=True)),
    "jobs": list(Job.objects.order_by("pk").values_list("kind", "state")),
    "presence": Presence.objects.filter(backend__name="main-s3").count(),
}))
"""


class Place:
    """An installation of its own, whose commands are processes."""

    def __init__(self, top: Path) -> None:
        self.library = top / "library"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(top / "data"),
            "MEDIASYNC_ENV_FILE": str(top / "none.env"),
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "MAIN_S3_ACCESS_KEY_ID": servers.KEY,
            "MAIN_S3_SECRET_ACCESS_KEY": servers.SECRET,
        }
        (top / "data").mkdir()

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=REPOSITORY, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str, code: int = 0) -> str:
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, (words, process.returncode, out[-2000:], err[-2000:])
        return out

    def music(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run("catalog", *words, "--json", code=code))

    def state(self) -> Any:
        return json.loads(self.run("shell", "-v0", "-c", STATE))


def netease_songs(request: Request) -> dict[str, Any]:
    """Answer with the recorded songs; those that nobody recorded are invented."""
    known = {each["id"]: each for each in recorded_json("netease_api_v6_playlist_detail.json")["playlist"]["tracks"]}
    ids = [each["id"] for each in json.loads(form(request)["c"])]
    return {"code": 200, "songs": [known.get(each) or netease_song(each) for each in ids], "privileges": []}


@pytest.fixture
def platforms(replay: Replay) -> Replay:
    """Answer for three platforms: recorded, but for squares and QQ's toplists, which nobody recorded whole."""
    replay.say(NETEASE_TOPLIST, recorded("netease_api_toplist.json"))
    replay.say(NETEASE_SQUARE, netease_square)
    replay.say(NETEASE_DETAIL, recorded("netease_api_v6_playlist_detail.json"))
    replay.say(NETEASE_SONGS, netease_songs)
    replay.say(QQ_NEW, qq_toplists())
    replay.say(QQ_SQUARE, recorded("qq_fcg_get_diss_by_tag.json"))
    replay.say(QQ_DETAIL, recorded("qq_fcg_ucc_getcdinfo_byids_cp.json"))
    replay.say(KUWO_MENU, kuwo_menu())
    replay.say(KUWO_SQUARE, kuwo_square)
    three = recorded_json("kuwo_api_www_bang_musicList.json")["data"]["musicList"][:3]  # so that all of a list is here
    replay.say(KUWO_CHART, {"name": "热歌榜", "num": 3, "musiclist": three})
    return replay


@pytest.fixture
def subsonic(tmp_path: Path) -> Iterator[supysonic.Supysonic]:
    """Run a server that has five of their songs, as long as the platforms say."""
    netease = recorded_json("netease_api_v6_playlist_detail.json")["playlist"]["tracks"][0]
    qq = recorded_json("qq_fcg_ucc_getcdinfo_byids_cp.json")["cdlist"][0]["songlist"][0]
    kuwo = recorded_json("kuwo_api_www_bang_musicList.json")["data"]["musicList"][:3]
    wanted = [
        (netease["name"], netease["ar"][0]["name"], netease["dt"] / 1000),
        (qq["name"], qq["singer"][0]["name"], qq["interval"]),
        *((each["name"], each["artist"], each["duration"]) for each in kuwo),
    ]
    for number, (title, artist, seconds) in enumerate(wanted):
        audio.write(tmp_path / "music" / f"{number}.mp3", audio.mp3(title, artist, seconds))
    with supysonic.running(tmp_path) as server:
        yield server


def killed_after_the_first_file(place: Place, *words: str) -> None:
    """Start a command and kill it as soon as one song is here."""
    process = place.start("catalog", *words)
    until = time.monotonic() + 120
    while not any(path.suffix == ".mp3" for path in place.library.rglob("*.mp3")):
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_from_playlists_of_three_platforms_to_a_bucket_and_a_zip(
    tmp_path: Path, platforms: Replay, subsonic: supysonic.Supysonic
) -> None:
    place = Place(tmp_path)
    place.run("catalog", "init-db", "--library-root", str(place.library))
    settings = {"relay": platforms.url, "subsonic": subsonic.url, "user": supysonic.USER}
    place.run("shell", "-v0", "-c", SOURCES.format(password=supysonic.PASSWORD, **settings))
    assert place.music("collect")["state"] == "completed"

    (tmp_path / "lists.txt").write_text(LISTS)
    words = ("run", "--playlist-file", str(tmp_path / "lists.txt"), "--workers", "4")
    killed_after_the_first_file(place, *words)
    place.music(*words, code=3)  # most songs are nowhere to be had
    state = place.state()
    lists = state["lists"]
    assert state["jobs"] == [["collect_only", "completed"], ["sync_download", "completed_with_errors"]]  # one went on
    assert {name: row[1:] for name, row in lists.items()} == {
        "netease": ["partial", 1, 100],
        "qq": ["partial", 1, 6],
        "kuwo": ["downloaded", 3, 3],
    }
    on_disk = sorted(str(path.relative_to(place.library)) for path in place.library.rglob("*.*") if path.is_file())
    assert on_disk == state["local"] and len(on_disk) == 5  # no double, nothing left of the kill
    assert all(path.startswith("navi/") for path in on_disk)

    again = place.music("download", "--playlist-ids", str(lists["kuwo"][0]))
    assert (again["state"], again["stages"][0]["total"]) == ("completed", 0)

    with servers.s3(tmp_path / "served") as endpoint:
        register = ("--backend", "main-s3", "--bucket", "music", "--endpoint", endpoint, "--base-prefix", "lib")
        place.run("catalog", "register-object-backend", *register, "--credential-env-prefix", "MAIN_S3")
        assert place.music("upload", "--backend", "main-s3")["state"] == "completed"
        assert place.music("upload", "--backend", "main-s3")["stages"][0]["total"] == 0
    state = place.state()
    assert state["remote"] == [f"lib/{each}" for each in on_disk]
    assert (state["tasks"], state["presence"]) == (["succeeded"] * 5, 5)
    for each in on_disk:
        assert (tmp_path / "served/music/lib" / each).read_bytes() == (place.library / each).read_bytes()

    target = tmp_path / "kuwo.zip"
    place.run("catalog", "export", "--playlist-ids", str(lists["qq"][0]), "--zip", str(target), code=4)
    assert not target.exists()
    place.run("catalog", "export", "--playlist-ids", str(lists["kuwo"][0]), "--zip", str(target))
    with zipfile.ZipFile(target) as archive:
        songs = {name: archive.read(name) for name in archive.namelist() if name.endswith(".mp3")}
        assert "SOURCES.txt" in archive.namelist()
    files = {path.name: path.read_bytes() for path in place.library.rglob("*.mp3")}
    assert len(songs) == 3 and all(files[name.rpartition("/")[2]] == data for name, data in songs.items())
    folder = next((tmp_path / "data/playlists/kuwo").iterdir())
    assert len(list(folder.glob("*.mp3"))) == 3 and all(link.resolve().is_file() for link in folder.glob("*.mp3"))
