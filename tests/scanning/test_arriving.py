"""What a source says, as the tester, the examples, ``explain`` and ``scan --source`` understand it."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from monitors.glance import Glance
from monitors.hooks.services import add_hook
from monitors.models import Account, Root
from scanning import arriving, examples, facts
from scanning.models import PathMapping, ScanRequest

from .helpers import make_server

pytestmark = pytest.mark.django_db
WINDOWS = "D:\\Media\\Films\\Heat (1995)\\Heat.mkv"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "Films/Heat (1995)").mkdir(parents=True)
    (tmp_path / "Films/Heat (1995)/Heat.mkv").touch()
    return Root.objects.create(name="media", path=str(tmp_path))


def rule(pattern: str, replacement: str, **values: object) -> PathMapping:
    values = {"space": "source", "source": "radarr"} | values
    return PathMapping.objects.create(pattern=pattern, replacement=replacement, **values)


def page_of(client: Client, path: str, source: str = "") -> str:
    query = urlencode({"path": path, "source": source})
    return unescape(client.get(f"/admin/scanning/pathmapping/try/?{query}").content.decode())


def test_a_path_of_windows_arrives_by_a_rule(root: Root, admin_client: Client) -> None:
    rule("d:\\media", root.path)
    found = arriving.arrive(WINDOWS, "radarr")
    assert found.local == f"{root.path}/Films/Heat (1995)/Heat.mkv"
    assert [step.outcome for step in found.steps] == ["matched"]
    page = page_of(admin_client, WINDOWS, "radarr")
    assert found.local in page and "A file is there." in page


@pytest.mark.parametrize("source", ["", "radarr"])
def test_a_path_of_windows_without_a_rule_is_nothing_here(root: Root, admin_client: Client, source: str) -> None:
    make_server(paths=["D:\\Media"])
    page = page_of(admin_client, WINDOWS, source)
    assert "✕" in page and "Here</h2>" not in page and "would be asked" not in page


@pytest.mark.parametrize("words", [(), ("--source", "radarr")])
def test_the_command_takes_no_path_of_windows_for_one_of_this_folder(root: Root, words: tuple[str, ...]) -> None:
    make_server()
    with pytest.raises(CommandError, match="Windows"):
        call_command("scan", WINDOWS, "--dry-run", *words)
    assert not ScanRequest.objects.exists()


def test_the_place_of_a_root_in_its_account_counts(root: Root, admin_client: Client) -> None:
    account = Account.objects.create(name="cloud", kind="clouddrive")
    Root.objects.update(account=account, remote_path="/115/media")
    add_hook("cd2", "clouddrive2")
    found = arriving.arrive("/115/media/Films", "cd2")
    assert (found.local, [step.outcome for step in found.steps]) == (f"{root.path}/Films", ["by_account"])
    row = examples.save("/115/media/Films", "cd2")
    assert row.local == found.local and examples.failing() == []
    assert "A folder is there." in page_of(admin_client, "/115/media/Films", "cd2")
    assert arriving.arrive("/elsewhere", "cd2").local is None


def test_a_strict_hook_drops_what_no_rule_knows(root: Root) -> None:
    add_hook("strict", "radarr", unmatched="error")
    assert arriving.arrive("/tv/x", "strict").code == "hint_unmatched"
    Root.objects.update(enabled=False)
    assert arriving.arrive(f"{root.path}/x", "plain").local == f"{root.path}/x"


def test_the_tester_says_what_is_here(root: Root, admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing is there now." in page_of(admin_client, f"{root.path}/none")
    assert "✕" in page_of(admin_client, "Films")

    def late(*_args: object) -> bool:
        raise TimeoutError

    monkeypatch.setattr(Glance, "is_folder", late)
    assert "Its mount does not answer." in page_of(admin_client, root.path)


def test_both_pages_offer_the_sources_that_there_are(root: Root, admin_client: Client) -> None:
    rule("/a", "/b", source="sonarr")
    add_hook("cd2", "clouddrive2")
    for address in ("/admin/scanning/pathmapping/try/", "/explain/"):
        page = admin_client.get(address).content.decode()
        assert '<option value="cd2"><option value="sonarr">' in page and 'list="ms-sources"' in page


def test_all_examples_of_a_source_are_judged_in_few_queries(root: Root, django_assert_max_num_queries) -> None:
    rule("/tv", root.path)
    for number in range(50):
        examples.save(f"/tv/{number}", "radarr")
    with django_assert_max_num_queries(12):
        assert examples.failing() == []


def test_what_cannot_be_looked_at_was_not_removed(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> bool:
        raise PermissionError(13, "Permission denied")

    assert facts.of_paths([f"{root.path}/gone.mkv"])[0][0].update == "Deleted"
    monkeypatch.setattr(Glance, "is_folder", refuse)
    fact = facts.of_paths([f"{root.path}/Films/Heat (1995)/Heat.mkv"])[0][0]
    assert (fact.update, fact.is_dir) == ("Modified", False)
