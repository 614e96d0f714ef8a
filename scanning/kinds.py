"""What the kinds of jobs of this app are called, which lanes they need, and when they can start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediasync.core.errors import UsageError
from mediasync.core.paths import normalise
from mediasync.jobs.choices import LaneMode
from mediasync.jobs.registry import Lane
from mediasync.servers.models import Server
from monitors import scopes
from monitors.models import Root

from .selectors import lane_of

Scope = Mapping[str, Any]
Coded = tuple[str, Mapping[str, Any]]


def name_of(model: type[Root] | type[Server], pk: Any) -> str:
    """Return the name of a row, or its number once it is gone."""
    return model._default_manager.filter(pk=pk).values_list("name", flat=True).first() or f"#{pk}"


def sync_title(scope: Scope) -> Coded:
    """Return the code and facts of the title of a sync."""
    code = "sync_paths" if scope.get("paths") else "sync_full" if scope.get("full") else "sync"
    return code, {"name": name_of(Root, scope["root"]), "count": len(scope.get("paths") or ())}


def scan_title(scope: Scope) -> Coded:
    """Return the code and facts of the title of a scan."""
    if "root" in scope:
        return "scan", {"name": name_of(Root, scope["root"])}
    return "scan_paths", {"count": len(scope["paths"])}


def check_scan(scope: Scope) -> dict[str, Any]:
    """Return ``{"root": id}``, or ``{"paths": [absolute stored text, …], "server": id?}``; UsageError for others."""
    if "root" in scope:
        if not Root.objects.filter(pk=scope["root"]).exists():
            raise UsageError("There is no such root.", code="no_root")
        return {"root": int(scope["root"])}
    paths = scope.get("paths")
    if not isinstance(paths, list | tuple) or not paths:
        raise UsageError("Name a root, or paths to tell the servers about.", code="no_paths")
    try:
        checked: dict[str, Any] = {"paths": sorted({normalise(path) for path in paths})}
    except (ValueError, AttributeError) as error:
        raise UsageError(f"A path cannot be used: {error}", code="bad_path") from None
    if scope.get("server"):
        checked |= check_server(scope)
    return checked


def scan_lanes(scope: Scope) -> Sequence[Lane]:
    """Return the lane of the root, if there is one: its changes are told once."""
    return scopes.root_lane(scope) if "root" in scope else ()


def check_server(scope: Scope) -> dict[str, Any]:
    """Return ``{"server": id}``; UsageError for others."""
    if not Server.objects.filter(pk=scope.get("server") or 0).exists():
        raise UsageError("There is no such server.", code="no_server")
    return {"server": int(scope["server"])}


def server_lane(scope: Scope) -> Sequence[Lane]:
    """Return the lane of the server, alone: only one job sends for it."""
    return (Lane(lane_of(scope["server"]), LaneMode.EXCLUSIVE),)


def deliver_title(scope: Scope) -> Coded:
    """Return the code and facts of the title of a delivery."""
    return "deliver", {"name": name_of(Server, scope["server"])}


def verify_title(scope: Scope) -> Coded:
    """Return the code and facts of the title of a proof."""
    return "verify", {"name": name_of(Server, scope["server"])}


def can_deliver(scope: Scope) -> Coded | None:
    """Return why a server cannot be told just now; the job waits until that is over."""
    server = Server.objects.filter(pk=scope["server"]).first()
    if server is None or (server.enabled and not server.paused):
        return None
    return ("server_paused" if server.enabled else "server_disabled"), {"server": server.name}
