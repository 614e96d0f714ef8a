"""A root with a snapshot, a Plex and a Jellyfin that know it by other names, and the way to set each stage."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from mediasync.explain import Explained, explain
from mediasync.servers.models import Library, LibraryPath, Server
from monitors.models import Change, Directory, File, Root
from scanning.models import PathMapping, ScanRequest

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
FILM = "Films/Heat (1995)/Heat.mkv"


class Scene:
    """Everything is well until a test takes something away."""

    def __init__(self, top: Path) -> None:
        self.top = top / "media"
        self.file = self.top / FILM
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(b"x" * 10)
        self.root = Root.objects.create(name="media", path=str(self.top), baseline_at=NOW, crawled_at=NOW)
        above: Directory | None = None
        for path in ("", "Films", "Films/Heat (1995)"):
            above = Directory.objects.create(
                root=self.root,
                path=path,
                parent_id=above.pk if above else None,
                dirty=False,
                listed_at=int(NOW.timestamp()),
            )
        assert above is not None
        File.objects.bulk_create([File(directory_id=above.pk, name="Heat.mkv", size=10, mtime_ns=0)])
        self.plex = self.server("plex", "/data/Films")
        self.rule = PathMapping.objects.create(space="server", pattern=str(self.top), replacement="/data")

    def server(self, kind: str, *folders: str, **values: Any) -> Server:
        values = {"name": kind, "url": "http://127.0.0.1:9", "libraries_at": NOW, "seen_at": NOW} | values
        server = Server.objects.create(kind=kind, **values)
        library = Library.objects.create(server=server, key="1", title="Films")
        LibraryPath.objects.bulk_create(LibraryPath(library=library, path=folder) for folder in folders)
        return server

    def change(self, kind: str = "added", path: str = FILM, **values: Any) -> Change:
        values = {"state": "told", "seen_at": NOW, "told_at": NOW} | values
        return Change.objects.create(root=self.root, kind=kind, path=path, **values)

    def request(self, state: str, **values: Any) -> ScanRequest:
        values = {"path": "/data/Films/Heat (1995)", "local_path": str(self.file.parent), "last_at": NOW} | values
        library = None if state == "no_library" else Library.objects.get(server=self.plex)
        return ScanRequest.objects.create(server=self.plex, library=library, state=state, **values)

    def explain(self, path: str = "", source: str = "") -> Explained:
        return explain(path or str(self.file), source)


def codes(found: Explained, stage: str = "") -> list[str]:
    """Return the codes of the steps, all or of one stage, those of servers after the others."""
    steps = [*found.steps, *(step for server in found.servers for step in server.part.steps)]
    return [step.said.code for step in steps if stage in ("", step.stage)]


def todo(found: Explained) -> list[str]:
    """Return the codes of what to do, the most useful first; each must have a sentence."""
    for advice in found.todo:
        assert advice.said.text and not advice.said.text.startswith("todo_"), advice
    steps = [*found.steps, *(step for server in found.servers for step in server.part.steps)]
    assert all(step.said.text and "%(" not in step.said.text for step in steps)
    assert not [step for step in steps if step.said.text.startswith("explain_")]
    return [advice.said.code for advice in found.todo]
