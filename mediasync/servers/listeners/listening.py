"""The work of one listener: a websocket where the server has one, and a question for all that is new now and then."""

from __future__ import annotations

import threading
import time
from typing import Any

from mediasync.core.clock import Clock
from mediasync.core.errors import MediasyncError
from mediasync.servers import limits, services
from mediasync.servers.models import Listener, Server

from .asking import BATCH, Asking
from .channel import Channel, Refused
from .ears import EARS
from .inbox import Inbox

TICK = 0.5  # seconds
DEAF_SECONDS = 60.0  # between two questions for all that is new, where messages may tell of no item
HEARING_SECONDS = 900.0  # and where they do
CHANNEL_SECONDS = 900.0  # without a websocket: when to try for one again
HEARD_SECONDS = 10.0  # between two writes of ``heard_at``
State = Listener.State


class Listening:
    """``run`` returns when it is to be started anew at once, and raises an error of ``core.errors`` for later."""

    def __init__(self, server: Server, row: Listener, stop: threading.Event, clock: Clock) -> None:
        self.server, self.row, self.clock = server, row, clock
        self._stop = stop
        self._inbox = Inbox()
        self._ear = EARS.get(server.kind)
        self._hears = False  # messages tell of items
        self._deaf: dict[str, Any] = {}  # why there is no websocket
        self._asked = self._wrote = float("-inf")

    def run(self) -> None:
        client = services.client_for(self.server)
        asking = Asking(self.server, client, self.row, self.clock)
        channel = None
        begun = self.clock.monotonic()
        try:
            channel = self._open()
            self._hears = channel is not None and self._ear is not None and self._ear.tells_all
            asking.everything()  # only now: what comes from here on is heard
            self._asked = self.clock.monotonic()
            self.say(State.LIVE if channel else State.POLLING, **self._deaf)
            while not self._stop.is_set():
                self._listen(channel)
                self._ask(asking)
                if channel is None and self.clock.monotonic() - begun > CHANNEL_SECONDS:
                    return
        finally:
            client.close()
            if channel is not None:
                channel.close()

    def say(self, state: str, code: str = "", **params: object) -> None:
        """Write how it is, unless that is known already or another has taken its place."""
        if self._stop.is_set() or (self.row.state, self.row.code, self.row.params) == (state, code, params):
            return
        self.row.state, self.row.code, self.row.params, self.row.since = state, code, params, self.clock.now()
        Listener.objects.filter(pk=self.row.pk).update(state=state, code=code, params=params, since=self.row.since)

    def _open(self) -> Channel | None:
        """Return a websocket; None if this server has none for us, which is why it is asked more often."""
        if self._ear is None:
            return None
        access = services.access_of(self.server)
        try:
            return Channel(access, self._ear.path(access), self._ear.headers(access), self._ear.keep_alive)
        except Refused as error:  # by a proxy, perhaps; whether the token is right, the next question shows
            self._deaf = {"code": error.code, **error.params}
            return None
        except MediasyncError as error:
            limits.failed(self.server, error, self.clock.now())
            raise

    def _listen(self, channel: Channel | None) -> None:
        if channel is None or self._ear is None:
            self._stop.wait(TICK)
            return
        end = time.monotonic() + TICK  # then what is due is asked for, however much is said
        while (left := end - time.monotonic()) > 0 and (text := channel.take(left)):
            said = self._ear.hear(text)
            self._inbox.hear(said, self.clock.monotonic())
            self._hears = self._hears or bool(said)
            self._heard()

    def _ask(self, asking: Asking) -> None:
        now = self.clock.monotonic()
        if due := self._inbox.take(now, BATCH):
            asking.about(due, [key for key, made in due.items() if made])
            self._inbox.done(due)
        every = HEARING_SECONDS if self._hears else DEAF_SECONDS
        if self._inbox.overflowed or now - self._asked >= every:
            self._inbox.overflowed = False
            asking.everything()
            self._asked = self.clock.monotonic()

    def _heard(self) -> None:
        now = self.clock.monotonic()
        if now - self._wrote >= HEARD_SECONDS:
            self._wrote = now
            Listener.objects.filter(pk=self.row.pk).update(heard_at=self.clock.now())
