"""The command, from file to rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from mediasync.importing import apply as applying
from mediasync.jobs.models import Event, Job, Schedule
from mediasync.servers import services as servers
from mediasync.servers.models import Server
from monitors.accounts.secrets import secrets_of
from monitors.hooks import payloads
from monitors.models import Account, Hint, Hook, Payload, Root
from scanning import mapping
from scanning.models import PathMapping
from tests.monitors.kinds import only_crawl

from .helpers import config, report, run, said, write

pytestmark = pytest.mark.django_db
EVERY = (Account, Server, Root, Hook, PathMapping, Job, Schedule, Event)
FILES = ("autoscan.yml", "autopulse.yaml", "pps.yaml", "pps-old.yaml")


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Return a folder that exists, and can be a root."""
    folder = tmp_path / "media"
    (folder / "TV").mkdir(parents=True)
    return folder


def rows() -> list[list[dict[str, object]]]:
    return [list(model.objects.order_by("pk").values()) for model in EVERY]  # type: ignore[attr-defined]


def local(server: str, path: str) -> str | None:
    """Return what a server is told for a path of this machine."""
    return mapping.for_server(Server.objects.get(name=server)).translate(path).path


def heard(hook: str, path: str) -> str | None:
    """Return where a path that a hook names lies on this machine."""
    return mapping.for_source(hook).translate(path).path


def test_it_takes_over_autoscan(tmp_path: Path, media: Path) -> None:
    lines = report(config("autoscan.yml", tmp_path, media))
    assert set(Server.objects.values_list("name", "kind", "url", "pace")) == {
        ("Plex", "plex", "http://plex.example.org:32400", 15.0),
        ("Plex 2", "plex", "https://plex2.example.org", 15.0),
        ("Emby", "emby", "http://emby.example.org:8096", 15.0),
        ("Jellyfin", "jellyfin", "http://jellyfin.example.org:8096", 15.0),
    }
    assert [servers.access_of(each).token for each in Server.objects.order_by("name")] == [
        *("emby-token-secret", "jellyfin-token-secret", "plex-token-secret", "0123456")
    ]
    assert set(Hook.objects.values_list("name", "kind", "username", "open", "debounce")) == {
        (name, kind, "hello there", False, 90.0)
        for name, kind in {
            "manual": "autoscan",
            "a-train": "atrain",
            "0A1xxxxxxxxxUk9PVA": "atrain",
            "lidarr": "lidarr",
            "radarr": "radarr",
            "radarr4k": "radarr",
            "B-ch-er": "readarr",
            "sonarr-docker": "sonarr",
        }.items()
    }
    assert list(Root.objects.values_list("path", "feed", "exclude")) == [(str(media), "inotify", ["*.{srt,pdf}"])]
    assert heard("sonarr-docker", "/tv/Show/x.mkv") == "/mnt/unionfs/Media/TV/Show/x.mkv"
    assert heard("radarr", "/movies/4/x.mkv") == "/movies/4/x.mkv"
    assert heard("radarr4k", "/movies/4/x.mkv") == "/mnt/unionfs/4K/4k/x.mkv"
    assert heard("0A1xxxxxxxxxUk9PVA", "/TV/x.mkv") == "/mnt/unionfs/TV/x.mkv"
    assert heard("0A1xxxxxxxxxUk9PVA", "/Media/x.mkv") == "/mnt/unionfs/Media/x.mkv"
    assert heard("a-train", "/TV/x.mkv") == "/TV/x.mkv"
    assert local("Plex", "/mnt/unionfs/Media/TV/x.mkv") == "/data/TV/x.mkv"
    assert local("Plex", f"{media}/TV/x.mkv") == "/data/TV/x.mkv"
    assert local("Emby", f"{media}/TV/x.mkv") == "/mnt/unionfs/Media/TV/x.mkv"
    lost = dict(said(lines, "not_taken"))
    assert {9: "anchors[0]", 7: "port", 63: "triggers.sonarr[0].colour"}.items() <= lost.items()
    assert {35: "triggers.bernard[0].drives[0]", 48: "triggers.inotify[0].paths[1].path"}.items() <= lost.items()
    assert {86: "targets.jellyfin[0].rewrite[0]", 89: "targets.autoscan[0]"}.items() <= lost.items()


BASIC = "Basic aGVsbG8gdGhlcmU6Z2VuZXJhbC1rZW5vYmktc2VjcmV0"  # hello there:general-kenobi-secret
TV = {"eventType": "Download", "series": {"path": "/tv/Show"}, "episodeFile": {"relativePath": "S01/x.mkv"}}


@pytest.mark.parametrize(
    ("address", "body", "says"),
    [
        ("/triggers/sonarr-docker", TV, "/tv/Show/S01/x.mkv"),
        ("/triggers/manual?dir=/Media/TV/Show", {}, "/Media/TV/Show"),
        ("/triggers/a-train/0A1xxxxxxxxxUk9PVA", {"created": ["/TV/Show"]}, "/TV/Show"),
        ("/triggers/a-train/0A9", {"created": ["/Media/Show"]}, "/Media/Show"),
    ],
)
def test_it_lets_senders_go_on_with_the_old_address_and_password(
    tmp_path: Path, media: Path, client: Client, address: str, body: dict[str, object], says: str
) -> None:
    report(config("autoscan.yml", tmp_path, media))
    for basic, status in ((BASIC, 200), ("Basic aGVsbG8gdGhlcmU6eA==", 401), ("", 401)):
        answer = client.post(address, body, content_type="application/json", headers={"Authorization": basic})
        assert answer.status_code == status, answer.content
    payload = Payload.objects.get()
    payloads.parse_waiting()
    payload.refresh_from_db()
    assert [notice["path"] for notice in payload.notices] == [says]
    assert Hint.objects.get().path.startswith("/mnt/unionfs/")


def test_it_lets_clouddrive2_go_on_with_its_address(tmp_path: Path, client: Client) -> None:
    report(config("pps.yaml", tmp_path))
    body = {"data": [{"action": "create", "is_dir": "false", "source_file": "/115/Public/x.mkv"}]}
    assert client.post("/file_notify", body, content_type="application/json").status_code == 200
    assert Payload.objects.get().hook.name == "clouddrive2"


def test_it_takes_over_autopulse(tmp_path: Path, media: Path) -> None:
    (media / "anchor").touch()
    lines = report(config("autopulse.yaml", tmp_path, media))
    assert set(Server.objects.values_list("name", "kind", "url")) == {
        ("my_plex", "plex", "http://plex:32400"),
        ("my_jellyfin", "jellyfin", "http://jellyfin:8096"),
    }
    assert set(Hook.objects.values_list("name", "kind", "debounce")) == {
        *{("manual", "autopulse", 300.0), ("my_radarr", "radarr", 300.0), ("my_autoscan", "autoscan", 300.0)},
        ("my_sonarr", "sonarr", 30.0),
    }
    root = Root.objects.get()
    assert (root.path, root.feed, root.exclude, root.anchor) == (str(media), "polling", ["samples/"], "anchor")
    assert heard("my_radarr", "/testing/x.mkv") == "/new/path/x.mkv"  # through both rewrites
    assert local("my_plex", f"{media}/x.mkv") == "/data/x.mkv"
    assert local("my_jellyfin", f"{media}/x.mkv") == "/media/x.mkv"
    assert {45: "triggers.my_other", 50: "webhooks.my_discord"}.items() <= dict(said(lines, "not_taken")).items()


def test_it_takes_over_every_kind_of_trigger_that_is_called(tmp_path: Path) -> None:
    kinds = {
        "sportarr": "sonarr",
        "tdarr": "autopulse",
        "bazarr": "autopulse",
        "atrain": "atrain",
        "readarr": "readarr",
    }
    data = {"triggers": {f"my_{kind}": {"type": kind} for kind in kinds}, "targets": {}}
    report(write(tmp_path, "c.json", json.dumps(data)), "--kind", "autopulse")
    found = dict(Hook.objects.exclude(name="manual").values_list("name", "kind"))
    assert found == {f"my_{kind}": ours for kind, ours in kinds.items()}


def test_it_takes_over_autopulse_in_toml_and_json(tmp_path: Path) -> None:
    toml = '[targets.p]\ntype = "plex"\nurl = "http://p:1"\ntoken = "t"\n[targets.p.rewrite]\nfrom = "/a"\nto = "/b"\n'
    assert said(report(write(tmp_path, "c.toml", toml)), "made")[1:] == [(1, "targets.p"), (5, "targets.p.rewrite")]
    data = {"targets": {"j": {"type": "jellyfin", "url": "http://j:1", "token": "t"}}, "auth": {"enabled": False}}
    path = write(tmp_path, "c.json", json.dumps(data, indent=1))
    assert said(report(path), "made") == [(3, "targets.j")] and set(Hook.objects.values_list("open")) == {(False,)}
    assert set(Server.objects.values_list("name", flat=True)) == {"p", "j"}


def test_it_takes_over_partial_path_scanner(tmp_path: Path) -> None:
    lines = report(config("pps-old.yaml", tmp_path))
    account = Account.objects.get()
    assert (account.kind, account.options["address"], account.options["user"]) == (
        *("clouddrive", "192.0.2.7:19798", "me@example.org"),
    )
    assert secrets_of(account) == {"password": "cd2-secret"} and "password" not in account.options
    found = Root.objects.values_list("path", "remote_path", "mounted", "every", "exclude", "lister", "account_id")
    assert {(*row[:4], tuple(row[4]), *row[5:]) for row in found} == {
        ("/115/Public/电视", "/115/Public/电视", False, 86400, ("/综艺",), "clouddrive", account.pk),
        ("/115/Public/电影", "/115/Public/电影", False, 5400, (), "clouddrive", account.pk),
    }
    assert local("Plex", "/115/Public/电视/x.mkv") == "/share/SSD1T/03cd2/115/Public/电视/x.mkv"
    assert local("Plex", "/1150/x.mkv") == "/1150/x.mkv"
    assert [line for line, _key in said(lines, "not_taken")] == [15, 19, 22]
    assert Server.objects.count() == 1 and Hook.objects.count() == 0


@pytest.mark.parametrize("name", FILES)
def test_it_changes_nothing_in_a_dry_run_and_says_the_same(name: str, tmp_path: Path, media: Path) -> None:
    path, before = config(name, tmp_path, media), rows()
    planned = report(path, "--dry-run")
    assert rows() == before
    assert report(path) == planned and rows() != before


@pytest.mark.parametrize("name", FILES)
def test_it_doubles_nothing_when_it_is_run_again(name: str, tmp_path: Path, media: Path) -> None:
    path = config(name, tmp_path, media)
    first = report(path)
    before = rows()
    again = report(path)
    assert rows() == before
    assert said(again, "made") == [] and said(again, "there") == said(first, "made")
    assert said(again, "not_taken") == said(first, "not_taken")


@pytest.mark.parametrize("name", FILES)
def test_it_shows_no_secret(name: str, tmp_path: Path, media: Path) -> None:
    path = config(name, tmp_path, media)
    for words in ((), ("--json",), ("--dry-run",)):
        assert "-secret" not in run(path, *words)[0]
    stored = repr(rows())
    assert "-secret" not in stored


def test_it_leaves_alone_what_was_changed_since(tmp_path: Path, media: Path) -> None:
    path = config("autopulse.yaml", tmp_path, media)
    report(path)
    Server.objects.filter(name="my_plex").update(name="Living room", pace=9.0)
    Hook.objects.filter(name="my_sonarr").update(debounce=1.0)
    before = rows()
    report(path)
    assert rows() == before


def test_it_does_all_or_nothing(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("the disk is full")

    path, before = config("autoscan.yml", tmp_path, media), rows()
    monkeypatch.setattr(applying.scanning, "save_rule", fail)
    with transaction.atomic(), pytest.raises(RuntimeError, match="the disk is full"):
        call_command("import_config", str(path))
    assert rows() == before
