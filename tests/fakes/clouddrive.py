"""A CloudDrive2 that serves a tree over real gRPC on the loopback, made from the vendor's generated servicer.

In tests: ``with FakeCloudDrive() as cloud: cloud.put("/115/TV/a.mkv")``. By hand, for a folder of this machine:
``python -m tests.fakes.clouddrive --port 19798 --token T --tree DIR``.

It can refuse, throttle, cut its streams and push. ``calls`` tells what it was asked.
"""

from __future__ import annotations

import argparse
import itertools
import queue
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from clouddrive2_client.proto import clouddrive_pb2 as pb
from clouddrive2_client.proto import clouddrive_pb2_grpc as service

BEGIN = 1_700_000_000  # seconds since the epoch, of the first thing
PART = 2  # entries in one reply of a listing, so that there is a middle in which to cut


@dataclass
class Node:
    """Something in the tree."""

    id: str
    is_dir: bool
    size: int = 0
    mtime: float = 0.0
    hash: str = ""


@dataclass
class Rules:
    """How it behaves; change it at any time."""

    users: dict[str, str] = field(default_factory=lambda: {"me": "right"})
    tokens: set[str] = field(default_factory=lambda: {"good"})
    logins: set[str] = field(default_factory=set)  # tokens given out; clear it, and all have run out
    throttle: int = 0  # so many listings are refused
    throttle_says: str = "code: 770004, too frequent"
    fail: dict[str, tuple[grpc.StatusCode, str]] = field(default_factory=dict)  # path → how its listing ends
    cut: set[str] = field(default_factory=set)  # paths whose listing ends in the middle
    slow: float = 0.0  # seconds that a listing takes
    may_see_mounts: bool = True


class FakeCloudDrive(service.CloudDriveFileSrvServicer):  # type: ignore[misc]
    def __init__(self, tree: Path | None = None, port: int = 0, pem: bytes = b"") -> None:
        self.disk, self.rules = tree, Rules()
        self.nodes: dict[str, Node] = {"/": Node("0", True, mtime=BEGIN)}
        self.mounts: list[Any] = []
        self.calls: list[tuple[str, str]] = []  # (method, path); a forced listing has the method "GetSubFiles!"
        self.ids, self.time = itertools.count(1), itertools.count(BEGIN + 1)
        self.listeners: list[queue.Queue[Any]] = []
        self.lock = threading.Lock()
        self.server: Any = None
        self.port, self.pem = port, pem  # key and certificate: it speaks TLS

    def __enter__(self) -> FakeCloudDrive:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; on the port of before, if it was started already."""
        self.server = grpc.server(
            futures.ThreadPoolExecutor(24), options=[("grpc.so_reuseport", 0), ("grpc.enable_http_proxy", 0)]
        )
        service.add_CloudDriveFileSrvServicer_to_server(self, self.server)
        if self.pem:
            own = grpc.ssl_server_credentials([(self.pem, self.pem)])
            self.port = self.server.add_secure_port(f"127.0.0.1:{self.port}", own)
        else:
            self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        self.server.start()

    def stop(self) -> None:
        """Go away at once, with all streams."""
        self.cut_pushes()
        self.server.stop(0).wait()

    # -- The tree

    def mkdir(self, path: str) -> None:
        """Make a folder, and those above it."""
        if path not in self.nodes:
            self.mkdir(path.rpartition("/")[0] or "/")
            self._put(path, Node(self._id(), True))

    def put(self, path: str, size: int = 100) -> None:
        """Make or replace a file."""
        self.mkdir(path.rpartition("/")[0] or "/")
        self._put(path, Node(self._id(), False, size, hash=f"{size:x}"))

    def remove(self, path: str) -> None:
        for each in self._tree(path):
            del self.nodes[each]
        self._touch(path)

    def rename(self, old: str, new: str) -> None:
        """Rename or move; what it is keeps its id."""
        self.mkdir(new.rpartition("/")[0] or "/")
        for each in self._tree(old):
            self.nodes[new + each[len(old) :]] = self.nodes.pop(each)
        self._touch(old)
        self._touch(new)

    def _put(self, path: str, node: Node) -> None:
        node.mtime = next(self.time)
        self.nodes[path] = node
        self._touch(path)

    def _touch(self, path: str) -> None:
        if (above := self.nodes.get(path.rpartition("/")[0] or "/")) is not None:
            above.mtime = next(self.time)

    def _tree(self, path: str) -> list[str]:
        return [each for each in self.nodes if each == path or each.startswith(path + "/")]

    def _id(self) -> str:
        return str(next(self.ids))

    def _children(self, path: str) -> list[tuple[str, Node]] | None:
        """Return what lies in a folder, None if it is none."""
        if self.disk is not None:
            return _on_disk(self.disk / path.lstrip("/"))
        node = self.nodes.get(path)
        if node is None or not node.is_dir:
            return None
        top = path.rstrip("/") + "/"
        inside = [each for each in self.nodes if each.startswith(top) and each != "/"]
        return sorted((each[len(top) :], self.nodes[each]) for each in inside if "/" not in each[len(top) :])

    # -- What it pushes

    def push(self, **fields: Any) -> None:
        """Send a message to all who listen: ``push(messageType=3)``."""
        for listener in list(self.listeners):
            listener.put(pb.CloudDrivePushMessage(**fields))

    def push_change(self, path: str, *, kind: int = 0, is_dir: bool = False, new: str = "") -> None:
        change = pb.FileSystemChange(changeType=kind, isDirectory=is_dir, path=path)
        if new:
            change.newPath = new
        self.push(messageType=4, fileSystemChange=change)

    def push_mount(self, point: str, *, mounted: bool) -> None:
        change = pb.MountPointChange(actionType=0 if mounted else 1, mountPoint=point, success=True)
        self.push(messageType=5, mountPointChange=change)

    def cut_pushes(self) -> None:
        """End the streams of all who listen, as a proxy in between would."""
        for listener in list(self.listeners):
            listener.put(None)

    # -- The service

    def GetSystemInfo(self, request: Any, context: Any) -> Any:
        self._note("GetSystemInfo")
        return pb.CloudDriveSystemInfo(IsLogin=True, UserName="me", SystemReady=True)

    def GetToken(self, request: Any, context: Any) -> Any:
        self._note("GetToken", request.userName)
        if self.rules.users.get(request.userName) != request.password:
            return pb.JWTToken(success=False, errorMessage=f"bad password {request.password}")
        token = f"jwt-{next(self.ids)}"
        self.rules.logins.add(token)
        return pb.JWTToken(success=True, token=token)

    def GetRuntimeInfo(self, request: Any, context: Any) -> Any:
        self._allow(context)
        return pb.RuntimeInfo(productName="CloudDrive2", productVersion="0.9.24")

    def GetSubFiles(self, request: Any, context: Any) -> Iterator[Any]:
        self._allow(context)
        self._note("GetSubFiles!" if request.forceRefresh else "GetSubFiles", request.path)
        if self.rules.slow:
            time.sleep(self.rules.slow)
        if self.rules.throttle > 0:
            self.rules.throttle -= 1
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, self.rules.throttle_says)
        if request.path in self.rules.fail:
            context.abort(*self.rules.fail[request.path])
        found = self._children(request.path)
        if found is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no such folder: {request.path}")
            return
        for start in range(0, len(found), PART):
            if start and request.path in self.rules.cut:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection was cut")
            part = [_file(request.path, name, node) for name, node in found[start : start + PART]]
            yield pb.SubFilesReply(subFiles=part)
        if request.path in self.rules.cut:
            context.abort(grpc.StatusCode.INTERNAL, "stream ended without its end")

    def GetMountPoints(self, request: Any, context: Any) -> Any:
        self._allow(context)
        self._note("GetMountPoints")
        if not self.rules.may_see_mounts:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "no right")
        return pb.GetMountPointsResult(mountPoints=self.mounts)

    def mount(self, point: str, source: str = "/", *, mounted: bool = True, reason: str = "") -> None:
        """Set the state of one mount point."""
        self.mounts = [each for each in self.mounts if each.mountPoint != point]
        self.mounts.append(pb.MountPoint(mountPoint=point, sourceDir=source, isMounted=mounted, failReason=reason))

    def PushMessage(self, request: Any, context: Any) -> Iterator[Any]:
        self._allow(context)
        mine: queue.Queue[Any] = queue.Queue()
        self.listeners.append(mine)
        context.add_callback(lambda: mine.put(None))
        self._note("PushMessage")
        try:
            while (message := mine.get()) is not None:
                yield message
        finally:
            self.listeners.remove(mine)
        if context.is_active():
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection was cut")

    def _allow(self, context: Any) -> None:
        said = dict(context.invocation_metadata()).get("authorization", "").removeprefix("Bearer ")
        if said not in self.rules.tokens and said not in self.rules.logins:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"bad token {said}")

    def _note(self, method: str, path: str = "") -> None:
        with self.lock:
            self.calls.append((method, path))

    def asked(self, method: str = "GetSubFiles") -> list[str]:
        """Return the paths that were listed, forced or not."""
        return [path for name, path in self.calls if name.rstrip("!") == method]


def _file(folder: str, name: str, node: Node) -> Any:
    file = pb.CloudDriveFile(
        id=node.id, name=name, fullPathName=f"{folder.rstrip('/')}/{name}", size=node.size, isDirectory=node.is_dir
    )
    if not node.is_dir:
        file.fileType = pb.CloudDriveFile.FileType.File
    if node.mtime:
        file.writeTime.FromNanoseconds(int(node.mtime * 1_000_000_000))
    if node.hash:
        file.fileHashes[2] = node.hash
    return file


def _on_disk(folder: Path) -> list[tuple[str, Node]] | None:
    if not folder.is_dir():
        return None
    found = []
    for each in sorted(folder.iterdir()):
        seen = each.stat()
        size = 0 if each.is_dir() else seen.st_size
        found.append((each.name, Node(str(seen.st_ino), each.is_dir(), size, seen.st_mtime)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="good")
    parser.add_argument("--tree", type=Path, required=True)
    asked = parser.parse_args()
    fake = FakeCloudDrive(asked.tree, asked.port)
    fake.rules.tokens = {asked.token}
    with fake:
        print(f"CloudDrive2 at {fake.address}", flush=True)  # noqa: T201
        fake.server.wait_for_termination()


if __name__ == "__main__":
    main()
