"""Music as a person sees it in a browser: a list is brought, downloaded by real jobs, reviewed and exported."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from catalog.downloads import shelf
from catalog.models import DownloadSource, Playlist, Song, StorageBackend
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from tests.catalog import audio
from tests.catalog.rows import make_playlist

from .browser import Browser

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]
SONGS = [("天空", "甲"), ("Blue Sky", "The Skies"), ("Nowhere", "Nobody")]
LIST = "/admin/catalog/playlist/"


def text(browser: Browser) -> str:
    return str(browser.run("document.body.innerText"))


def picture(browser: Browser, name: str) -> None:
    """Save a picture where a person wants to look at one."""
    if folder := os.environ.get("MEDIASYNC_PICTURES"):
        browser.screenshot(f"{folder}/catalog-{name}.png", full=True)


def fits(browser: Browser) -> bool:
    """Tell whether nothing is wider than the window."""
    return bool(browser.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def set_value(browser: Browser, selector: str, value: str) -> None:
    browser.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(value)}")


@pytest.fixture
def music(tmp_path: Path, settings: Any) -> Path:
    """Return a folder in which two of three songs lie, switched on as a source of files."""
    settings.PLAYLISTS_DIR, settings.BUNDLES_DIR = tmp_path / "playlists", tmp_path / "bundles"
    for title, artist in SONGS[:2]:
        audio.write(tmp_path / "mine" / f"{title}.mp3", audio.mp3(title, artist, 20))
    DownloadSource.objects.create(
        name="mine", plugin="library", enabled=True, settings={"folder": str(tmp_path / "mine")}
    )
    (tmp_path / "library").mkdir()
    StorageBackend.objects.create(
        name="music", kind="local_fs", plugin="local_fs", container_name=str(tmp_path / "library"), is_default=True
    )
    return tmp_path


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_person_brings_a_list_downloads_and_exports_it(
    live_server: LiveServer, music: Path, width: int, dark: bool
) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    jspf = {"playlist": {"title": "我的", "track": [{"title": title, "creator": artist} for title, artist in SONGS]}}
    with Browser() as browser:
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        browser.look(width=width, dark=dark)
        browser.open(f"{live_server.url}{LIST}from-file/")
        set_value(browser, "textarea[name=text]", json.dumps(jspf))
        assert fits(browser)
        picture(browser, f"{width}-file")
        browser.click("form.ms-card button[type=submit]")
        job = Job.objects.get()
        assert str(browser.run("location.pathname")) == f"/admin/jobs/job/{job.pk}/change/"
        ended = drain(job.pk, threads=False)
        assert (ended.state, ended.kind) == ("completed_with_errors", "sync_download"), ended.reason_code

        playlist = Playlist.objects.get()
        browser.open(live_server.url + LIST)
        assert "我的" in text(browser) and "Partly downloaded" in text(browser) and "2/3" in text(browser)
        assert fits(browser)
        picture(browser, f"{width}-list")
        browser.open(f"{live_server.url}{LIST}{playlist.pk}/songs/")
        assert text(browser).count("Downloaded") >= 2 and "Not here" in text(browser)
        assert fits(browser)
        picture(browser, f"{width}-songs")
        for page in ("overview/", "unmatched/", "duplicates/", f"of-job/{job.pk}/", f"of-job/{job.pk}/{playlist.pk}/"):
            browser.open(f"{live_server.url}{LIST}{page}")
            assert fits(browser), page
            picture(browser, f"{width}-{page.strip('/').replace('/', '-')}")
        browser.open(f"{live_server.url}{LIST}unmatched/")
        assert "Nowhere" in text(browser)

        # The missing song comes to be there; the list is downloaded again by its own button, without scripts.
        audio.write(music / "mine" / "Nowhere.mp3", audio.mp3("Nowhere", "Nobody", 20))
        shelf.forget()  # as after a quarter of an hour
        browser.look(width=width, dark=dark, javascript=False)
        browser.open(live_server.url + LIST)
        browser.click(f"[formaction$='/{playlist.pk}/download/']")
        again = Job.objects.get(kind="download_only")
        assert drain(again.pk, threads=False).state == "completed"
        browser.open(live_server.url + LIST)
        assert "3/3" in text(browser)
        picture(browser, f"{width}-done")
        assert browser.problems == []
    zipped = client.get(f"/api/playlists/{playlist.pk}/export.zip")
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped))) as archive:  # type: ignore[arg-type]
        files = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert sorted(name for name in files if name.endswith(".mp3")) == ["Blue Sky.mp3", "Nowhere.mp3", "天空.mp3"]
    assert files["天空.mp3"] == (music / "mine" / "天空.mp3").read_bytes() and "SOURCES.txt" in files


@pytest.mark.parametrize("width", [1440, 390])
def test_names_that_are_one_long_word_fit(live_server: LiveServer, width: int) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    song = Song.objects.create(platform="qq", remote_id="1", name="W" * 250, singers="M" * 250, album="Q" * 200)
    playlist = make_playlist("W" * 250, [song], platform="qq", last_error="y" * 400, sync_result="parse_error")
    job = Job.objects.create(kind="download_only", state="running", scope={"playlists": [playlist.pk]})
    pages = ("", f"{playlist.pk}/change/", f"{playlist.pk}/delete/", f"{playlist.pk}/songs/", "unmatched/?untried=1")
    of_job = (f"of-job/{job.pk}/", f"of-job/{job.pk}/{playlist.pk}/", f"../song/{song.pk}/change/")
    with Browser() as browser:
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        browser.look(width=width)
        for page in (*pages, *of_job):
            browser.open(f"{live_server.url}{LIST}{page}")
            assert "WWW" in text(browser) and fits(browser), page
            inner = (
                "Math.max(0, ...[...document.querySelectorAll('.ms-scroll')].map(e => e.scrollWidth - e.clientWidth))"
            )
            assert width < 1440 or browser.run(inner) <= 0, page


def test_the_notice_of_a_plug_in_can_be_read_on_a_telephone(live_server: LiveServer) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    with Browser() as browser:
        browser.cookie(live_server.url, "sessionid", client.cookies["sessionid"].value)
        browser.look(width=390)
        browser.open(f"{live_server.url}/admin/catalog/source/add/")
        picture(browser, "390-plugins")
        assert fits(browser) and browser.run("document.querySelector('.ms-card .ms-why').clientWidth") > 250
