from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediasync.core.clock import system
from mediasync.core.errors import UsageError
from monitors import placing, services
from monitors.feeds import selftest
from monitors.feeds.lead import lead
from monitors.models import Account, FeedState, Root
from tests.monitors.kinds import only_crawl
from tests.monitors.test_admin import form, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "TV").mkdir()
    return Root.objects.create(name="TV", path=str(tmp_path / "TV"), minimum_entries=0)


def state(root: Root, **values: Any) -> FeedState:
    given = {"kind": "inotify", "key": f"root {root.pk}", "root": root, "state": "fine", "beat_at": timezone.now()}
    return FeedState.objects.create(**given | values)


def page(client: Client, name: str, *args: Any) -> str:
    answer = client.get(reverse(f"admin:monitors_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_the_heartbeat_of_each_feed(admin_client: Client, root: Root) -> None:
    lead(system, "somewhere/else/1")
    facts = {"watches": 1500, "limit": 65536, "name": "Übung \U0010dcff"}
    row = state(root, events=12, gaps=1, facts=facts, event_at=timezone.now())
    shown = page(admin_client, "feedstate_changelist")
    for text in ("Kernel", "TV", "Works", "1,500 of 65,536", "just now", "Restart"):
        assert text in shown
    assert "Nobody is listening" not in shown
    assert "Übung" in page(admin_client, "feedstate_change", row.pk)


def test_it_says_why_a_feed_is_in_trouble(admin_client: Client, root: Root) -> None:
    numbers = {"watched": 5, "folders": 90, "limit": 5, "needed": 95, "wanted": 524288}
    state(root, state="trouble", code="feed_watch_limit", params={**numbers, "setting": "fs.inotify.max_user_watches"})
    for shown in (page(admin_client, "feedstate_changelist"), page(admin_client, "root_change", root.pk)):
        assert "In part" in shown or "Nobody is listening" in shown
    assert "sysctl -w fs.inotify.max_user_watches=524288" in page(admin_client, "feedstate_changelist")


def test_it_says_that_nobody_listens(admin_client: Client, root: Root) -> None:
    state(root, beat_at=timezone.now() - timezone.timedelta(minutes=5))
    assert page(admin_client, "feedstate_changelist").count("Nobody is listening") == 2  # above, and in the row
    assert "Nobody listens" in page(admin_client, "root_changelist")
    assert "Nobody is listening" in page(admin_client, "root_change", root.pk)


def test_its_restart_is_asked_for_by_post(admin_client: Client, root: Root) -> None:
    row = state(root)
    assert admin_client.get(reverse("admin:monitors_feedstate_restart", args=[row.pk])).status_code == 405
    assert "Kernel starts anew" in post(admin_client, "feedstate", "restart", row.pk)
    assert FeedState.objects.get().restart


def test_nobody_can_add_change_or_remove_a_feed(admin_client: Client, root: Root) -> None:
    row = state(root)
    assert admin_client.get(reverse("admin:monitors_feedstate_add")).status_code == 403
    assert admin_client.post(reverse("admin:monitors_feedstate_change", args=[row.pk]), {}).status_code == 403
    assert admin_client.post(reverse("admin:monitors_feedstate_delete", args=[row.pk]), {}).status_code == 403


@pytest.mark.parametrize("rows", [1, 30])
def test_its_lists_need_few_queries(
    admin_client: Client, rows: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    account = Account.objects.create(name="Cloud", kind="clouddrive")
    for n in range(rows):
        root = Root.objects.create(name=f"r{n}", path=f"/r{n}", account=account if n % 2 else None)
        state(root)
    FeedState.objects.create(kind="clouddrive", key="account 1", account=account, beat_at=timezone.now())
    for name in ("root", "feedstate"):
        with django_assert_max_num_queries(16):
            page(admin_client, f"{name}_changelist")


def test_a_root_shows_by_what_it_hears(admin_client: Client, root: Root) -> None:
    account = Account.objects.create(name="Cloud", kind="clouddrive")
    cloud = Root.objects.create(name="Movies", path="/m", account=account, remote_path="/115/m")
    FeedState.objects.create(kind="clouddrive", key="account 1", account=account, state="resting", code="x",
                             beat_at=timezone.now())  # fmt: skip
    quiet = Root.objects.create(name="Quiet", path="/q", watch=False)
    lead(system, "somewhere/else/1")
    state(root)
    listed = page(admin_client, "root_changelist")
    for text in ("Kernel", "Works", "CloudDrive2", "Rests", "only crawls"):
        assert text in listed
    assert "A local disk" in page(admin_client, "root_change", root.pk)
    assert "The account “Cloud” tells of changes" in page(admin_client, "root_change", cloud.pk)
    assert "It is not watched" in page(admin_client, "root_change", quiet.pk)


def test_its_self_test_tells_the_result(admin_client: Client, root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "start manage.py watch" in post(admin_client, "root", "self_test", root.pk)
    heard = selftest.Result(True, "test_heard", {"name": "TV", "seconds": "0.31"})
    monkeypatch.setattr(selftest, "run", lambda root: heard)
    assert "heard of it after 0.31 s" in post(admin_client, "root", "self_test", root.pk)


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({"feed": "clouddrive"}, "", "needs an account of the kind CloudDrive2"),
        ({"feed": "drive_changes"}, "clouddrive", "needs an account of the kind Google Drive"),
        ({"feed": "drive_activity"}, "rclone", "needs an account of the kind Google Drive"),
        ({}, "gdrive", "Say where the folder is in the account (A)"),
        ({"feed": "inotify", "mounted": ""}, "", "The kernel can only tell"),
        ({"poll_budget": "0"}, "", "at least one folder a minute"),
        ({"lister": "clouddrive"}, "rclone", "needs an account of that kind"),
        ({"lister": "rclone"}, "", "needs an account of that kind"),
        ({"mounted": ""}, "", "needs a lister that reads through an account"),
    ],
)
def test_it_refuses_what_cannot_be_heard_or_read(
    admin_client: Client, tmp_path: Path, fields: dict[str, str], kind: str, message: str
) -> None:
    if kind:
        fields = {**fields, "account": str(Account.objects.create(name="A", kind=kind).pk)}
    data = {name: value for name, value in form(tmp_path, **fields).items() if value != ""}
    shown = admin_client.post(reverse("admin:monitors_root_add"), data).content.decode()
    assert message in shown.replace("&quot;", '"') and not Root.objects.exists()


def test_services_refuse_the_same(root: Root) -> None:
    with pytest.raises(UsageError, match="needs an account"):
        services.update_root(root, feed="clouddrive")
    with pytest.raises(UsageError, match="lister"):
        services.update_root(Root.objects.get(), mounted=False)
    assert Root.objects.get().feed == "auto"


def test_a_root_of_an_account_is_added_with_its_feed(admin_client: Client, tmp_path: Path) -> None:
    account = Account.objects.create(name="A", kind="gdrive")
    post(admin_client, "root", "add", **form(tmp_path, account=account.pk, remote_path="/TV", feed="drive_activity"))
    made = Root.objects.get()
    assert (made.account, made.remote_path, made.feed, made.mounted) == (account, "/TV", "drive_activity", True)


def test_a_root_that_is_read_elsewhere_now_is_crawled(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Root] = []
    monkeypatch.setattr(placing, "check_source", asked.append)
    account = Account.objects.create(name="A", kind="clouddrive")
    services.update_root(root, account=account, remote_path="/TV")
    root.directory_rows.create(path="", dirty=False)
    services.update_root(root, remote_path="/Other")
    assert not root.directory_rows.get().dirty  # only a name
    services.update_root(root, lister="clouddrive", mounted=False)
    assert root.directory_rows.get().dirty and len(asked) == 3


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_of_mounts_locks_no_database(
    admin_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[bool] = []
    monkeypatch.setattr(placing, "check_source", lambda *_, **__: inside.append(connection.in_atomic_block))
    post(admin_client, "root", "add", **form(tmp_path))
    post(admin_client, "root", "change", Root.objects.get().pk, **form(tmp_path, remote_path="x"))
    assert len(inside) >= 3 and not any(inside) and Root.objects.get().remote_path == "x"
