"""A service that takes messages on loopback, and channels and rules that lead there."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.apps import apps

from mediasync.notify import services
from mediasync.notify.models import ADMINS, Channel, Rule

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SECRET = "s3cr3t-token"


class Sink:
    """Takes what apprise posts to ``json://``; answers ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.during: Callable[[], None] = lambda: None
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sink.during()
                sink.taken.append(json.loads(body))
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.server.server_address[1]}/{SECRET}-path"

    @property
    def titles(self) -> list[str]:
        return [each["title"] for each in self.taken]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def channel(db: None, sink: Sink) -> Channel:
    """A channel to the sink."""
    channel = Channel(name="Phone")
    services.set_address(channel, sink.url)
    channel.save()
    return channel


@pytest.fixture
def administrators(db: None) -> Channel:
    """The channel that is there from the beginning; tests with real transactions empty all tables."""
    if not Channel.objects.filter(service=ADMINS).exists():
        importlib.import_module("mediasync.notify.migrations.0002_administrators").begin(apps, None)
    return Channel.objects.get(service=ADMINS)


def rule_for(channel: Channel, *events: str, window: int = 0, **more: Any) -> Rule:
    """Return a rule that wants these events."""
    name = f"{channel} {len(Rule.objects.all())}"
    return Rule.objects.create(name=name, channel=channel, events=list(events), window=window, **more)


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)
