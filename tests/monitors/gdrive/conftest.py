"""A fake Drive, an account on it, a root, and a feed's desk."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.clock import FakeClock
from monitors.accounts.secrets import set_secrets
from monitors.feeds.base import Feed
from monitors.feeds.desk import FeedDesk
from monitors.models import Account, FeedState, Hint, Root
from tests.contracts.conftest import fixtures
from tests.fakes.gdrive import FakeDrive
from tests.fakes.gdrive_tree import FakeTree
from tests.fakes.server import Response
from tests.monitors.kinds import only_crawl

from .judge import complaints

__all__ = ["fixtures"]

SECRETS = {"client_secret": "s3cret-of-client", "refresh_token": "refresh-me"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of it where the extra is not installed."""
    if importlib.util.find_spec("googleapiclient") is None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="the extra gdrive is not installed"))


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """The folder that stands for the mount."""
    folder = tmp_path / "mount"
    folder.mkdir()
    return folder


@pytest.fixture
def fake(mirror: Path) -> Iterator[FakeDrive]:
    """A fake Drive whose tree shows in ``mirror``; at the end Google's documents judge what was said."""
    with FakeDrive(FakeTree(mirror=mirror)) as fake:
        yield fake
        assert [line for exchange in fake.exchanges for line in complaints(*exchange)] == []


@pytest.fixture
def account(fake: FakeDrive, db: None) -> Account:
    options = {"client_id": "me", "endpoint": fake.url, "token_uri": f"{fake.url}/token"}
    account = Account(name="Drive", kind=Account.Kind.GDRIVE, options=options, per_second=10_000)
    set_secrets(account, SECRETS)
    account.save()
    return account


class Bench:
    """A feed's desk on a real row, a clock that does not wait, and what came of it."""

    def __init__(self, feed: Feed) -> None:
        self.feed, self.clock, self.stop = feed, FakeClock(), threading.Event()
        self.row = FeedState.objects.create(kind=feed.kind, key=feed.key, account_id=feed.account_id)
        self.rests: list[tuple[str, float]] = []
        self.desk = self.sit()

    def sit(self) -> FeedDesk:
        """Sit down at a desk anew, as after a restart."""
        bench = self
        self.row.refresh_from_db()
        self.stop.clear()

        class Desk(FeedDesk):
            def rest(self, seconds: float) -> bool:
                bench.clock.advance(seconds)
                if seconds >= 5:  # less is the pace of the account
                    bench.rests.append((self._said[1], seconds))
                    bench.stop.set()
                return bench.stop.is_set()

        self.desk = Desk(self.feed, self.row, self.stop, self.clock)
        return self.desk

    def turn(self) -> None:
        """Let the feed do one turn, up to its first rest, and store all it said."""
        self.stop.clear()
        self.feed.clock = self.clock  # type: ignore[attr-defined]
        self.feed.run(self.desk)
        self.desk.flush()
        self.row.refresh_from_db()

    def hints(self) -> set[str]:
        """Return "folder: name" of the waiting hints and forget them."""
        found = {f"{hint.path}: {hint.name}" for hint in Hint.objects.filter(state=Hint.State.WAITING)}
        Hint.objects.all().delete()
        return found

    def gaps(self) -> list[int]:
        """Return the roots that are to be crawled and forget them."""
        self.row.refresh_from_db()
        found: list[int] = list(self.row.behind)
        self.row.behind = []
        self.row.save()
        return found


@pytest.fixture
def make_root(account: Account, mirror: Path) -> Callable[..., Root]:
    def make(below: str = "", **more: Any) -> Root:
        named = {"name": below or "all", "path": f"{mirror}/{below}".rstrip("/"), "remote_path": f"/{below}"}
        return Root.objects.create(**{**named, "feed": Root.Feed.DRIVE_CHANGES, "account": account, **more})

    return make


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


def refusal(fixtures: Path, name: str) -> Response:
    """Return a recorded refusal: "403_dailyLimitExceeded"."""
    file = fixtures / "google-drive" / "changes" / f"errors_{name}.json"
    return Response(int(name[:3]), file.read_bytes())


def recorded(fixtures: Path, name: str) -> Any:
    return json.loads((fixtures / "google-drive" / name).read_text("utf-8"))
