"""What the tests of accounts share: a CloudDrive2 on the loopback, an account, a root that is read through it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mediasync.core.clock import FakeClock
from monitors.accounts.secrets import set_secrets
from monitors.crawl import crawl
from monitors.models import Account, Change, Directory, File, Root
from monitors.run import Asked, Summary
from tests.fakes.clouddrive import FakeCloudDrive
from tests.monitors.crawling import Ctx


def make_account(cloud: FakeCloudDrive, *, secrets: dict[str, str] | None = None, **fields: Any) -> Account:
    """Make an account that may ask as fast as it likes."""
    options = {"address": cloud.address, **fields.pop("options", {})}
    values = {"name": f"115 {uuid.uuid4().hex[:6]}", "per_second": 1000.0, **fields}
    account = Account(kind=Account.Kind.CLOUDDRIVE, options=options, **values)
    set_secrets(account, {"token": "good"} if secrets is None else secrets)
    account.save()
    return account


class Far:
    """A root on a CloudDrive2, of which nothing lies on this machine."""

    def __init__(self, cloud: FakeCloudDrive, account: Account, **options: Any) -> None:
        values = {"lister": Root.Lister.CLOUDDRIVE, "remote_path": "/115/TV", "mounted": False, **options}
        self.cloud, self.clock = cloud, FakeClock()
        self.root = Root.objects.create(name="TV", path="/cloud/TV", account=account, **values)

    def crawl(self, *paths: str, cursor: Any = None, ctx: Ctx | None = None, **asked: Any) -> Summary:
        self.clock.advance(301)  # a second look is far enough from the first
        self.cloud.calls.clear()
        self.root = Root.objects.select_related("account").get(pk=self.root.pk)
        return crawl(self.root, Asked(paths=paths, **asked), ctx or Ctx(self.clock), cursor)

    def changes(self) -> list[tuple[str, str]]:
        """Return (kind, path) of what was found since the last call."""
        rows = Change.objects.filter(state=Change.State.NEW).order_by("kind", "path")
        found = [(row.kind, f"{row.old_path} → {row.path}" if row.old_path else row.path) for row in rows]
        rows.delete()
        return found

    def known(self) -> set[str]:
        """Return the files in the snapshot."""
        folders = dict(Directory.objects.filter(root=self.root).values_list("id", "path"))
        rows = File.objects.filter(directory_id__in=folders).values_list("directory_id", "name")
        return {f"{folders[owner]}/{name}".lstrip("/") for owner, name in rows}


@contextmanager
def running() -> Iterator[FakeCloudDrive]:
    """Start one with two shows of one season each."""
    with FakeCloudDrive() as cloud:
        for show in ("A", "B"):
            for number in (1, 2, 3):
                cloud.put(f"/115/TV/{show}/Season 1/{show}{number}.mkv", 100 * number)
        yield cloud
