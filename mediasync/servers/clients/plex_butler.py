"""What a Plex server is doing, and its own housekeeping: asked for, and awaited.

Beside ``plex.py``, as no other kind of server has it. Errors are those of ``base.py``. Facts: the server's document,
and chapter D.5 of the project's reference on the clean-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mediasync.core.clock import Clock, system
from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable

from .base import Access, Again, Answer, field_of, understood

POLL = 2.0  # seconds between two looks at the activities, growing to …
SLOWEST = 30.0
QUIET = 2  # looks in a row without any activity that mean "idle": Plex starts the next step a moment later


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that the server does now."""

    uuid: str
    kind: str  # library.update.section, library.refresh.items, media.generate.bif …
    title: str
    section: str = ""  # key of its library, where it has one
    progress: float = 0.0  # percent


@dataclass(frozen=True, slots=True)
class Task:
    """One of the butler's."""

    name: str
    title: str
    enabled: bool
    days: int  # between two runs


@dataclass(frozen=True, slots=True)
class Window:
    """Hours (0 to 23, of the server's own clock) between which the butler works."""

    start: int
    end: int

    def holds(self, hour: int) -> bool:
        """Tell whether the butler may be at work in this hour."""
        if self.start == self.end:
            return True
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end


class PlexButler:
    """The housekeeping of one server."""

    def __init__(self, access: Access, *, clock: Clock = system) -> None:
        from mediasync.core.http import Session  # on first use, as the start of Django needs none of it

        self._clock = clock
        self._http = Session(
            access.url,
            headers={
                "X-Plex-Token": access.token,
                "X-Plex-Client-Identifier": "mediasync",
                "X-Plex-Product": "mediasync",
                "Accept": "application/json",
            },
            secrets=[access.token],
            connect_timeout=access.connect_timeout,
            read_timeout=access.read_timeout,
            verify=access.verify,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -- What it is doing

    def running(self) -> bool:
        """Tell whether a server answers there at all; needs no token. Permanent if what answers is no Plex."""
        try:
            about = self._container("/identity")
        except Unreachable:
            return False
        except (Transient, AccessDenied):  # it starts (503), or a proxy asks for a password: something is there
            return True
        field_of(about, "machineIdentifier", str)
        return True

    @understood
    def sessions(self) -> int:
        """Return how many watch or listen now."""
        found = self._container("/status/sessions")
        return int(found.get("size", len(found.get("Metadata", ()))))

    @understood
    def activities(self) -> list[Activity]:
        """Return what the server is doing now."""
        return [_activity(each) for each in self._container("/activities").get("Activity", ())]

    @understood
    def window(self) -> Window | None:
        """Return the hours of the butler, None where the settings do not say them."""
        settings = {str(each.get("id")): each.get("value") for each in self._container("/:/prefs").get("Setting", ())}
        start, end = settings.get("ButlerStartHour"), settings.get("ButlerEndHour")
        return None if start is None or end is None else Window(int(start) % 24, int(end) % 24)

    # -- Its housekeeping

    @understood
    def tasks(self) -> list[Task]:
        """Return the butler's tasks."""
        found = field_of(self._http.get("/butler").json(), "ButlerTasks", dict)
        return [
            Task(
                field_of(each, "name", str),
                str(each.get("title", "")),
                bool(each.get("enabled")),
                int(each.get("interval", 0)),
            )
            for each in found.get("ButlerTask", ())
        ]

    def start(self, task: str) -> Answer:
        """Start a task of the butler (CleanOldBundles …); ``status`` 202: it was running already."""
        return self._ask("POST", f"/butler/{_name(task)}")

    def stop(self, task: str) -> Answer:
        """Stop a task of the butler."""
        return self._ask("DELETE", f"/butler/{_name(task)}")

    def clean_bundles(self) -> Answer:
        """Have bundles removed whose item left the library."""
        return self._ask("PUT", "/library/clean/bundles", (("async", "1"),))

    def optimize(self) -> Answer:
        """Have the database put in order; it is locked for a while."""
        return self._ask("PUT", "/library/optimize", (("async", "1"),))

    def empty_trash(self, section: str) -> Answer:
        """Have a library's trash emptied. This destroys items whose disk is merely away: check its folders first."""
        return self._ask("PUT", f"/library/sections/{_number(section)}/emptyTrash")

    def look_again(self, item: int, how: Again) -> Answer:
        """Have one item refreshed or analyzed."""
        return self._ask("PUT", f"/library/metadata/{_number(str(item))}/{how}")

    # -- What it shows

    @understood
    def categories(self, section: str) -> list[str]:
        """Return the paths of the pictures of a library's categories, below the base address."""
        found = self._container(f"/library/sections/{_number(section)}/categories")
        entries = [*found.get("Directory", ()), *found.get("Metadata", ())]
        return [str(each["thumb"]) for each in entries if str(each.get("thumb", "")).startswith("/")]

    def picture(self, path: str) -> int:
        """Have a picture rendered, as a client would; return its size in bytes."""
        if not path.startswith("/"):
            raise Permanent("That is no path of the server.", code="server_path", path=path)
        return len(self._http.get(path).body)

    @understood
    def locked_fields(self, item: int) -> frozenset[str]:
        """Return the names of the fields of an item that a person locked: thumb, art, title …"""
        fields = self._container(f"/library/metadata/{_number(str(item))}")["Metadata"][0].get("Field", ())
        return frozenset(str(each["name"]) for each in fields if str(each.get("locked", "")) in ("1", "True", "true"))

    # -- Waiting

    def wait_idle(
        self,
        kinds: Sequence[str] = (),
        *,
        limit: float = 3600.0,
        sleep: Callable[[float], None] | None = None,
        told: Callable[[Activity], None] | None = None,
    ) -> bool:
        """Wait until the server does nothing (of the ``kinds``, by the beginnings of their names) any more.

        False after ``limit`` seconds. A look that fails does not count as quiet: a busy server may not answer.
        ``sleep`` may raise to stop; ``told`` is called with what is waited for.
        """
        sleep = sleep or self._clock.sleep
        until, pause, quiet = self._clock.monotonic() + limit, POLL, 0
        while True:
            try:
                going_on = [each for each in self.activities() if not kinds or each.kind.startswith(tuple(kinds))]
                quiet = 0 if going_on else quiet + 1
            except Transient:
                going_on, quiet = [], 0
            if quiet >= QUIET:
                return True
            if going_on and told:
                told(going_on[0])
            if self._clock.monotonic() + pause > until:
                return False
            sleep(pause)
            pause = POLL if quiet else min(pause * 1.5, SLOWEST)

    # -- How

    def _container(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Mapping[str, Any]:
        container: Mapping[str, Any] = field_of(self._http.get(path, params).json(), "MediaContainer", dict)
        return container

    def _ask(
        self, method: Literal["POST", "PUT", "DELETE"], path: str, params: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        reply = self._http.request(method, path, params)
        return Answer(reply.status, self._http.said(reply.body))


def _activity(each: Any) -> Activity:
    context = each.get("Context")
    section = context.get("librarySectionID", "") if isinstance(context, dict) else ""
    progress = float(each.get("progress") or 0)
    uuid, kind, title = (str(each.get(name, "")) for name in ("uuid", "type", "title"))
    return Activity(uuid, kind, title, str(section), progress)


def _name(task: str) -> str:
    if not (task.isascii() and task.isalnum()):
        raise Permanent("A task of the butler is named by letters.", code="server_butler_task", task=task)
    return task


def _number(key: str) -> str:
    if not key.isascii() or not key.isdigit():
        raise Permanent("A Plex library or item is named by a number.", code="server_library_key", key=key)
    return key
