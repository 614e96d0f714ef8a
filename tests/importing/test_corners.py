"""What is not quite as it should be: half-filled files, strange names, things that are there already."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.utils import OperationalError

from mediasync.importing import plan_of
from mediasync.importing.plan import AddRoot
from mediasync.management.commands import import_config
from mediasync.servers import services as servers
from mediasync.servers.models import Server
from monitors.models import Account, Hook, Root
from scanning.models import PathMapping
from tests.monitors.kinds import only_crawl

from .helpers import config, report, run, said, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


def texts(lines: list[dict[str, str]], key: str) -> str:
    return " ".join(each["text"] for each in lines if each["key"] == key)


def one_plex(token: str, url: str = "http://plex:32400") -> str:
    return f"targets:\n  plex:\n    - url: {url}\n      token: {token}\n      rewrite: [{{from: /a, to: /b}}]\n"


def test_it_fills_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLEX_TOKEN", "from-outside")
    monkeypatch.setenv("PLEX_HOST", "plex.example.org")
    report(write(tmp_path, "c.yml", one_plex('"${PLEX_TOKEN}"', "http://${PLEX_HOST}:32400")))
    server = Server.objects.get()
    assert (server.url, servers.access_of(server).token) == ("http://plex.example.org:32400", "from-outside")


def test_it_leaves_out_what_the_environment_does_not_have(tmp_path: Path) -> None:
    lines = report(write(tmp_path, "c.yml", one_plex("${NO_SUCH_TOKEN}")))
    assert "${NO_SUCH_TOKEN} is not set" in texts(lines, "targets.plex[0]")
    assert not Server.objects.exists() and not PathMapping.objects.exists()


def test_it_does_not_open_hooks_because_a_password_is_missing_in_the_environment(tmp_path: Path) -> None:
    text = "authentication: {username: a, password: '${NO_SUCH_PASSWORD}'}\ntriggers: {sonarr: [{name: s}]}\n"
    said_, code = run(write(tmp_path, "c.yml", text))
    assert code == 2 and "${NO_SUCH_PASSWORD} is not set" in said_ and not Hook.objects.exists()


def test_it_opens_hooks_that_were_open_and_says_so(tmp_path: Path) -> None:
    lines = report(write(tmp_path, "c.yml", "triggers: {sonarr: [{name: s}]}\n"))
    assert set(Hook.objects.values_list("name", "open")) == {("s", True), ("manual", True)}
    assert "answer to everybody" in texts(lines, "authentication")


@pytest.mark.parametrize(
    "url", ["ftp://plex", "http://", "http://user:pw-secret@plex:32400", "http://plex:99999", "''"]
)
def test_it_leaves_out_a_server_with_a_bad_address(tmp_path: Path, url: str) -> None:
    path = write(tmp_path, "c.yml", one_plex("t", url))
    lines = report(path)
    assert (3, "targets.plex[0]") in said(lines, "not_taken") and "pw-secret" not in run(path)[0]
    assert not Server.objects.exists() and not PathMapping.objects.exists()


def test_it_makes_a_server_without_a_token_and_says_what_is_missing(tmp_path: Path) -> None:
    lines = report(write(tmp_path, "c.yml", one_plex("''")))
    assert Server.objects.get().token_sealed == "" and "no token" in texts(lines, "targets.plex[0]")


def test_it_takes_a_server_of_the_same_address_for_the_same(tmp_path: Path) -> None:
    known = servers.save(Server(name="Mine", kind="plex", url="http://plex:32400"), token="mine")
    lines = report(write(tmp_path, "c.yml", one_plex("theirs", "HTTP://plex:32400/".replace("HTTP", "http"))))
    assert (3, "targets.plex[0]") in said(lines, "there") and servers.access_of(Server.objects.get()).token == "mine"
    assert PathMapping.objects.get().server == known


def test_it_gives_another_name_when_the_name_is_taken(tmp_path: Path) -> None:
    servers.save(Server(name="Plex", kind="plex", url="http://other:32400"))
    report(write(tmp_path, "c.yml", one_plex("t")))
    assert PathMapping.objects.get().server == Server.objects.get(name="Plex 2")


def test_it_leaves_a_hook_of_another_kind_alone(tmp_path: Path) -> None:
    Hook.objects.create(name="s", kind="radarr")
    text = "triggers: {sonarr: [{name: s, rewrite: [{from: /a, to: /b}]}]}\n"
    lines = report(write(tmp_path, "c.yml", text))
    assert "another kind" in texts(lines, "triggers.sonarr[0]") and Hook.objects.get(name="s").kind == "radarr"
    assert not PathMapping.objects.exists()


def test_it_warns_of_the_default_password_of_autopulse(tmp_path: Path) -> None:
    lines = report(write(tmp_path, "c.yml", "triggers: {s: {type: sonarr}}\n"))
    assert "default of the program" in texts(lines, "auth")
    assert set(Hook.objects.values_list("name", "username", "open")) == {
        ("s", "admin", False),
        ("manual", "admin", False),
    }


def test_it_tells_of_rewrites_that_go_on_and_cannot_be_one(tmp_path: Path) -> None:
    chain = "[{from: '^/a/([0-9]+)', to: /b/$1}, {from: /b, to: /c}]"
    lines = report(write(tmp_path, "c.yml", f"triggers: {{s: {{type: sonarr, rewrite: {chain}}}}}\n"))
    assert "through “/b” too" in texts(lines, "triggers.s.rewrite[0]")


def test_it_says_how_to_set_up_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise OperationalError("no such table: servers_server")

    monkeypatch.setattr(import_config, "apply_plan", fail)
    assert run(write(tmp_path, "c.yml", one_plex("t"))) == ("The database is not set up. Do it: manage.py migrate", 2)


def test_it_tells_of_two_triggers_of_one_name(tmp_path: Path) -> None:
    lines = report(write(tmp_path, "c.yml", "triggers: {sonarr: [{name: x}], radarr: [{name: x}]}\n"))
    assert "two triggers" in texts(lines, "triggers.radarr[0]") and Hook.objects.get(name="x").kind == "sonarr"


def test_it_takes_hold_of_long_values(tmp_path: Path) -> None:
    long = "x" * 300
    targets = {long: {"type": "plex", "url": f"http://{'h' * 400}", "token": "t"}}
    text = json.dumps({"targets": targets, "triggers": {long: {"type": "sonarr"}}})
    lines = report(write(tmp_path, "c.json", text))
    assert "300 characters" in texts(lines, f"targets.{long}") and Hook.objects.filter(name="x" * 50).exists()


def test_it_reads_the_folders_of_newer_partial_path_scanners_from_their_database(tmp_path: Path) -> None:
    path = config("pps.yaml", tmp_path)
    store = sqlite3.connect(tmp_path / "app.sqlite")
    store.execute("CREATE TABLE monitored_folder (folder, enabled, blacklist, interval, offset)")
    blocked = json.dumps(["/115/Public/电视/综艺 [x]"], ensure_ascii=False)
    rows = [
        ("/115/Public/电视", 1, blocked, "2 hours", 0.1),
        ("/115/Old", 0, "[]", "1 day", 0),
        ("relative", 1, None, "1d", 0),
    ]
    store.executemany("INSERT INTO monitored_folder VALUES (?, ?, ?, ?, ?)", rows)
    store.commit()
    store.close()
    before = (tmp_path / "app.sqlite").read_bytes()
    planned = {item.path: item.options for item in plan_of(path).items if isinstance(item, AddRoot)}
    assert planned["/115/Public/电视"]["every"] == 7200
    assert planned["/115/Public/电视"]["exclude"] == ["/综艺 [[]x[]]"]
    assert planned["/115/Old"]["enabled"] is False and len(planned) == 2
    assert (tmp_path / "app.sqlite").read_bytes() == before and set(os.listdir(tmp_path)) == {"app.sqlite", "pps.yaml"}


@pytest.mark.parametrize("content", [b"no database", b""])
def test_it_goes_on_when_the_folders_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    path = config("pps.yaml", tmp_path)
    (tmp_path / "app.sqlite").write_bytes(content)
    lines = report(path)
    assert (22, "databases.sqlite.path") in said(lines, "not_taken") and Server.objects.count() == 2


def test_it_takes_the_list_of_folders_of_the_first_versions(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    report(write(tmp_path, "c.yml", f"MONITOR_FOLDER: ['{media}', /nowhere]\n"))
    assert list(Root.objects.values_list("path", "mounted", "lister")) == [(str(media), True, "local")]


def test_it_says_what_another_store_needs(tmp_path: Path) -> None:
    text = "storage_providers: {provider: alist, alist: {host: 'http://x', username: u, password: p}}\n"
    lines = report(write(tmp_path, "c.yml", text))
    assert "rclone" in texts(lines, "storage_providers") and not Account.objects.exists()


def test_it_tests_new_servers_when_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "c.yml", one_plex("t", "http://127.0.0.1:9"))
    out, code = run(path, "--test")
    assert code == 3 and "Connection to “Plex”" in out and "✗" in out
    assert Server.objects.exists() and run(path, "--test")[1] == 0  # it is not new any more


def test_it_speaks_to_people(tmp_path: Path) -> None:
    out, code = run(write(tmp_path, "c.yml", one_plex("t")), "--dry-run")
    assert code == 0 and "line 3    would be made: targets.plex[0]: server “Plex” (Plex, http://plex:32400)" in out
    assert out.rstrip().endswith("Nothing was changed.")
    assert run(tmp_path / "none.yml") == (f"{tmp_path}/none.yml: No such file or directory.", 2)
