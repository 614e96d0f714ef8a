"""A fake Plex with its housekeeping: sessions, activities, the butler, settings, categories – and the crash on art.

A task that was started is an activity for ``steps`` looks at ``/activities``; then it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .plex import FakePlex
from .server import Library, Request, Response, as_json, main

TASKS = {
    "BackupDatabase": ("Backup Database", 3),
    "CleanOldBundles": ("Remove old bundles", 7),
    "CleanOldCacheFiles": ("Remove old cache files", 7),
    "OptimizeDatabase": ("Optimize Database", 7),
    "RefreshLibraries": ("Refresh Libraries", 1),
}
EMPTY = Response(200, b"", "text/html")
MISSING = Response(404, b"<html><head><title>Not Found</title></head></html>", "text/html")


class FakePlexButler(FakePlex):
    """``crash_on``: paths of pictures at which it goes down, as Plex may with web addresses as art."""

    def __init__(self, libraries: Sequence[Library], token: str = "fake-token", port: int = 0) -> None:
        super().__init__(libraries, token, port)
        self.watching = 0
        self.prefs: dict[str, Any] = {"ButlerStartHour": 2, "ButlerEndHour": 5, "FriendlyName": "Fake Plex"}
        self.asked: list[str] = []  # what of its housekeeping was asked for, in order
        self.working: dict[str, int] = {}  # type of an activity → looks until it is done
        self.steps = 2
        self.locked: dict[int, list[str]] = {}  # item → names of its locked fields
        self.thumbs: dict[str, list[str]] = {}  # key of a library → pictures of its categories
        self.crash_on: set[str] = set()
        self.crashed = False

    def respond(self, request: Request) -> Response:
        return Response(0) if self.crashed else super().respond(request)

    def answer(self, request: Request) -> Response:
        if request.method == "GET" and request.path in self.crash_on:
            self.crashed = True
            return Response(0)
        found = self._housekeeping(request) if request.method != "GET" else self._seen(request)
        return super().answer(request) if found is None else found

    def _housekeeping(self, request: Request) -> Response | None:
        match request.method, *request.path.strip("/").split("/"):
            case ["POST", "butler", name] if name in TASKS:
                running = f"butler.{name}" in self.working
                self._start(f"butler.{name}")
                return Response(202) if running else EMPTY
            case ["DELETE", "butler", name] if name in TASKS:
                self.working.pop(f"butler.{name}", None)
                return EMPTY
            case ["PUT", "library", "clean", "bundles"]:
                return self._start("library.clean.bundles")
            case ["PUT", "library", "optimize"]:
                return self._start("library.optimize")
            case ["PUT", "library", "sections", key, "emptyTrash"] if key in self.libraries:
                self.asked.append(f"library.trash.{key}")
            case ["PUT", "library", "metadata", key, "refresh" | "analyze" as how]:
                self.asked.append(f"{how}.{key}")
        return None

    def _start(self, what: str) -> Response:
        self.asked.append(what)
        self.working[what] = self.steps
        return EMPTY

    def _seen(self, request: Request) -> Response | None:
        match request.path.strip("/").split("/"):
            case ["status", "sessions"]:
                found: dict[str, Any] = {"Metadata": [{"title": f"Film {n}"} for n in range(self.watching)]}
            case [":", "prefs"]:
                found = {"Setting": [{"id": name, "value": value} for name, value in self.prefs.items()]}
            case ["butler"]:
                return as_json({"ButlerTasks": {"ButlerTask": [_task(name) for name in TASKS]}})
            case ["library", "sections", key, "categories"] if key in self.libraries:
                found = {"Directory": [{"title": path, "thumb": path} for path in self.thumbs.get(key, ())]}
            case ["library", "metadata", key] if key.isdigit() and int(key) in self.locked:
                fields = [{"locked": True, "name": name} for name in self.locked[int(key)]]
                found = {"Metadata": [{"ratingKey": key, "title": "Film", "Field": fields}]}
            case _ if any(request.path in each for each in self.thumbs.values()):
                return Response(200, b"\xff\xd8\xff\xe0" + bytes(2000), "image/jpeg")
            case _:
                return None
        return self._container(found, request)

    def _activities(self) -> list[dict[str, Any]]:
        going_on = [
            {"uuid": f"{number:032x}", "type": kind, "cancellable": False, "userID": 1, "title": kind, "progress": 50}
            for number, kind in enumerate(self.working)
        ]
        self.working = {kind: left - 1 for kind, left in self.working.items() if left > 1}
        return [*super()._activities(), *going_on]


def _task(name: str) -> dict[str, Any]:
    title, days = TASKS[name]
    return {
        "name": name,
        "interval": days,
        "scheduleRandomized": False,
        "enabled": True,
        "title": title,
        "description": title,
    }


if __name__ == "__main__":
    main(FakePlexButler)
