"""The forms of sources and storages: made from what a plug-in asks for; secrets go in and never come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from catalog import rooms
from catalog.models import DownloadSource, Source, StorageBackend
from mediasync.core import secrets
from mediasync.servers.services import keys

pytestmark = pytest.mark.django_db
SOURCES, DOWNLOADS, STORAGES = (f"/admin/catalog/{name}/" for name in ("source", "downloadsource", "storagebackend"))


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def add(client: Client, address: str, plugin: str, **data: Any) -> Any:
    given = {"name": plugin.replace("_", "-"), "enabled": "on", "order": "1", "pace": "0", **data}
    return client.post(f"{address}add/?plugin={plugin}", given, follow=True)


def change(client: Client, address: str, row: Any, **data: Any) -> str:
    given = {"name": row.name, "enabled": "on", "order": "1", "pace": "0", **data}
    return client.post(f"{address}{row.pk}/change/", given, follow=True).content.decode()


@pytest.mark.parametrize("address", [SOURCES, DOWNLOADS, STORAGES])
def test_a_plug_in_is_chosen_first(admin_client: Client, address: str) -> None:
    first = page(admin_client, f"{address}add/")
    assert "Of which kind?" in first and "?plugin=" in first
    assert "Of which kind?" in page(admin_client, f"{address}add/?plugin=nonsense")


def test_a_source_is_off_until_somebody_has_read_its_notice(admin_client: Client) -> None:
    shown = page(admin_client, f"{SOURCES}add/?plugin=netease")
    from catalog.sources.netease import SOURCE

    assert str(SOURCE.notice)[:40] in shown.replace("&#x27;", "'")
    add(admin_client, SOURCES, "netease", enabled="")
    row = Source.objects.get()
    assert (row.plugin, row.enabled) == ("netease", False)
    admin_client.post(f"{SOURCES}{row.pk}/switch_on/")
    assert Source.objects.get().enabled


def test_a_secret_goes_in_and_never_comes_out(admin_client: Client) -> None:
    add(
        admin_client, DOWNLOADS, "subsonic", option_address="http://127.0.0.1:4533", option_user="me", secret="pässword"
    )
    row = DownloadSource.objects.get()
    assert row.settings == {"address": "http://127.0.0.1:4533", "user": "me"}
    assert secrets.unseal(row.secret_sealed, keys()) == "pässword" and "pässword" not in row.secret_sealed
    shown = page(admin_client, f"{DOWNLOADS}{row.pk}/change/")
    assert "pässword" not in shown and row.secret_sealed not in shown and "Stored. Enter another one" in shown


def test_a_secret_stays_is_replaced_and_forgotten(admin_client: Client) -> None:
    options = {"option_list": "http://127.0.0.1:4533/list", "option_user": "me"}
    add(admin_client, DOWNLOADS, "http", secret="one", **options)
    row = DownloadSource.objects.get()
    steps: list[tuple[dict[str, str], str]] = [({}, "one"), ({"secret": "two"}, "two"), ({"forget_secret": "on"}, "")]
    for given, stored in steps:
        change(admin_client, DOWNLOADS, row, **options, **given)
        row.refresh_from_db()
        assert secrets.unseal(row.secret_sealed, keys()) == stored


def test_a_secret_goes_nowhere_else_unless_it_is_entered_again(admin_client: Client) -> None:
    add(admin_client, DOWNLOADS, "subsonic", secret="one", option_address="http://127.0.0.1:4533", option_user="me")
    row = DownloadSource.objects.get()
    shown = change(admin_client, DOWNLOADS, row, option_address="http://evil.example", option_user="me")
    assert "Enter it again, since it is to be sent elsewhere." in shown
    assert DownloadSource.objects.get().settings["address"] == "http://127.0.0.1:4533"


@pytest.mark.parametrize(
    ("address", "plugin", "data"),
    [
        (DOWNLOADS, "library", {"option_folder": "not/from/the/root"}),
        (DOWNLOADS, "webdav", {"option_address": "ftp://x"}),
        (DOWNLOADS, "external_command", {"option_command": "relative"}),
        (STORAGES, "local_fs", {"container_name": "music"}),
        (STORAGES, "s3", {"container_name": "bucket", "option_addressing_style": "sideways"}),
        (STORAGES, "rclone", {"container_name": "no colon"}),
    ],
)
def test_settings_that_cannot_be_are_refused(
    admin_client: Client, address: str, plugin: str, data: dict[str, str]
) -> None:
    answer = add(admin_client, address, plugin, **data)
    assert answer.status_code == 200 and "errornote" in answer.content.decode()
    assert not DownloadSource.objects.exists() and not StorageBackend.objects.exists()


def test_a_command_is_a_list_and_for_superusers_alone(admin_client: Client) -> None:
    add(admin_client, DOWNLOADS, "external_command", option_command="/bin/echo\n a b \n\n", option_env="HOME")
    row = DownloadSource.objects.get()
    assert row.settings == {"command": ["/bin/echo", "a b"], "env": ["HOME"]}
    assert "/bin/echo\na b" in page(admin_client, f"{DOWNLOADS}{row.pk}/change/")
    other = User.objects.create_user("other", is_staff=True)
    other.user_permissions.set(Permission.objects.filter(codename__endswith="downloadsource"))
    client = Client()
    client.force_login(other)
    assert client.get(f"{DOWNLOADS}add/?plugin=external_command").status_code == 403
    answer = client.post(
        f"{DOWNLOADS}{row.pk}/change/", {"name": "x", "option_command": "/bin/false", "order": "1", "pace": "0"}
    )
    assert answer.status_code == 403 and DownloadSource.objects.get().settings["command"][0] == "/bin/echo"
    assert client.get(f"{DOWNLOADS}add/?plugin=library").status_code == 200


def test_what_a_form_does_not_know_stays(admin_client: Client) -> None:
    row = Source.objects.create(name="netease", plugin="netease", settings={"verify_tls": False})
    change(admin_client, SOURCES, row)
    assert Source.objects.get().settings == {"verify_tls": False}


def test_one_folder_is_where_new_files_go(admin_client: Client, tmp_path: Path) -> None:
    for name in ("a", "b"):
        add(admin_client, STORAGES, "local_fs", name=name, container_name=str(tmp_path / name))
        row = StorageBackend.objects.get(name=name)
        assert "New files go to" in admin_client.post(f"{STORAGES}{row.pk}/make_default/", follow=True).content.decode()
    assert [row.name for row in StorageBackend.objects.filter(is_default=True)] == ["b"]
    assert {row.kind for row in StorageBackend.objects.all()} == {"local_fs"}


def test_the_test_button_says_what_it_found(admin_client: Client, tmp_path: Path) -> None:
    good = StorageBackend.objects.create(name="g", kind="local_fs", plugin="local_fs", container_name=str(tmp_path))
    bad = StorageBackend.objects.create(name="b", kind="local_fs", plugin="local_fs", container_name="/nowhere/at/all")
    shown = admin_client.post(f"{STORAGES}{good.pk}/test/", follow=True).content.decode()
    assert 'class="success"' in shown and 'class="error"' not in shown
    assert 'class="error"' in admin_client.post(f"{STORAGES}{bad.pk}/test/", follow=True).content.decode()
    assert not list(tmp_path.iterdir())


def test_it_says_which_keys_the_environment_lacks(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"credential_env_prefix": "MAIN"}
    StorageBackend.objects.create(name="s3", kind="object_storage", plugin="s3", container_name="bucket", config=config)
    monkeypatch.setenv("MAIN_ACCESS_KEY_ID", "key-of-mine")
    monkeypatch.delenv("MAIN_SECRET_ACCESS_KEY", raising=False)
    shown = page(admin_client, STORAGES)
    assert "MAIN_SECRET_ACCESS_KEY" in shown and "MAIN_ACCESS_KEY_ID" not in shown
    monkeypatch.setenv("MAIN_SECRET_ACCESS_KEY", "hidden-value")
    shown = page(admin_client, STORAGES)
    assert "Present" in shown and "hidden-value" not in shown and "key-of-mine" not in shown


def test_a_folder_that_has_room_again_takes_new_files_again(admin_client: Client) -> None:
    other = StorageBackend.objects.create(name="second", kind="local_fs", plugin="local_fs", container_name="/b")
    row = StorageBackend.objects.create(
        name="first", kind="local_fs", plugin="local_fs", container_name="/a", is_default=True, overflow=other
    )
    assert rooms.room() == other
    shown = page(admin_client, STORAGES)
    assert shown.count("/clear_overflow/") == 1 and "second" in shown
    admin_client.post(f"{STORAGES}{row.pk}/clear_overflow/")
    assert rooms.room() == row
    assert "/clear_overflow/" not in page(admin_client, STORAGES)


def test_a_plug_in_that_is_gone_does_not_break_the_list(admin_client: Client) -> None:
    row = Source.objects.create(name="old", plugin="uninstalled", enabled=True)
    assert "uninstalled" in page(admin_client, SOURCES)
    assert page(admin_client, f"{SOURCES}{row.pk}/change/")
    shown = admin_client.post(f"{SOURCES}{row.pk}/test/", follow=True).content.decode()
    assert "There is no plug-in" in shown


@pytest.mark.parametrize("pace", ["-1", "nan", "inf", "86400", "x", ""])
def test_a_pace_is_a_number_of_seconds(admin_client: Client, pace: str) -> None:
    assert "errorlist" in add(admin_client, SOURCES, "netease", pace=pace).content.decode()
    assert not Source.objects.exists()


def test_a_folder_is_one_storage(admin_client: Client, tmp_path: Path) -> None:
    add(admin_client, STORAGES, "local_fs", name="one", container_name=f"{tmp_path}//")
    one = StorageBackend.objects.get()
    assert one.container_name == str(tmp_path)
    again = add(admin_client, STORAGES, "local_fs", name="two", container_name=f"{tmp_path}/./").content.decode()
    assert "This folder is the storage “one” already." in again and StorageBackend.objects.count() == 1
    assert "errorlist" not in change(admin_client, STORAGES, one, container_name=str(tmp_path))


def test_a_folder_whose_name_is_no_text_is_shown_as_people_read_it(admin_client: Client) -> None:
    StorageBackend.objects.create(name="odd", kind="local_fs", plugin="local_fs", container_name="/a\U0010dcff")
    assert "/a\\xff" in page(admin_client, STORAGES)
