"""Speak with CloudDrive2 over gRPC (proto ``clouddrive.CloudDriveFileSrv``; fields used are the same from 0.8.5 on).

The stubs come from ``clouddrive2-client`` (extra ``clouddrive``) and are imported when first needed. A channel belongs
to the process that made it: ``connection`` makes another one after a fork, and never touches the parent's.

A wrong password is not an error of gRPC but an answer with ``success`` false. A token that ran out is UNAUTHENTICATED:
we log in once more, then it is AccessDenied. CloudDrive2 hands on what its clouds say as text, so 115's codes for too
many requests are looked for in it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable, UsageError, WorkError

from .limits import QUOTA_SPENT, THROTTLED
from .secrets import without

PORT = 19798
SECONDS = 15.0  # for one answer
LIST_SECONDS = 90.0  # for the whole listing of one folder, which CloudDrive2 may have to fetch page by page
MESSAGE_BYTES = 64 << 20
NOT_FOUND, DENIED = "clouddrive_not_found", "clouddrive_denied"
TOO_FREQUENT = re.compile(r"\b770004\b|too (many requests|frequent)|\b429\b|访问频率|操作频繁", re.IGNORECASE)
QUOTA = re.compile(r"\bcode\W{1,3}406\b|\b406\W+(daily|quota)|daily quota|访问上限", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Access:
    """How CloudDrive2 is reached; the secrets are not shown by ``repr``."""

    address: str  # host:port
    tls: bool = False
    ca_file: str = ""
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


class Entry(NamedTuple):
    """One thing in a folder. ``mtime_ns`` 0: it has no time."""

    name: str
    is_dir: bool
    size: int
    mtime_ns: int
    ident: str  # the cloud's id; else its hashes and size; "" if it has neither


class Mount(NamedTuple):
    point: str
    source: str
    mounted: bool
    reason: str


class Push(NamedTuple):
    """One message. ``what``: change, mount, exit or other."""

    what: str
    change: str = ""  # create, delete or rename
    is_dir: bool = False
    path: str = ""
    new_path: str = ""


class Stubs(NamedTuple):
    grpc: Any
    pb: Any
    service: Any
    empty: Any


def stubs() -> Stubs:
    """Return the generated modules; UsageError says how to install them."""
    try:
        import grpc
        from clouddrive2_client.proto import clouddrive_pb2, clouddrive_pb2_grpc
        from google.protobuf import empty_pb2
    except ImportError:
        text = "CloudDrive2 needs a package that is not installed: run “make setup EXTRAS=clouddrive”."
        raise UsageError(text, code="clouddrive_extra") from None
    return Stubs(grpc, clouddrive_pb2, clouddrive_pb2_grpc, empty_pb2)


class Connection:
    """One channel. Safe for threads, not for forks."""

    def __init__(self, access: Access) -> None:
        self.access, self.stubs = access, stubs()
        self._jwt, self._good = "", ""  # the token of our login, and that of which we know that it was good
        self._lock = threading.Lock()
        grpc = self.stubs.grpc
        options = [
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),  # nobody else's broken connection to the same address
            # A channel that lost its server tries again ever more seldom, up to two minutes, and fails all calls until
            # then; when to ask is for our own breaker to say.
            ("grpc.initial_reconnect_backoff_ms", 500),
            ("grpc.max_reconnect_backoff_ms", 2000),
        ]
        if access.tls:
            try:
                roots = Path(access.ca_file).read_bytes() if access.ca_file else None
            except OSError as error:
                raise UsageError(f"The CA file cannot be read: {error.strerror}.", code="clouddrive_ca") from None
            credentials = grpc.ssl_channel_credentials(root_certificates=roots)
            self.channel = grpc.secure_channel(access.address, credentials, options)
        else:
            self.channel = grpc.insecure_channel(access.address, options)
        self.service = self.stubs.service.CloudDriveFileSrvStub(self.channel)

    def close(self) -> None:
        self.channel.close()

    # -- Calls

    def system(self) -> dict[str, Any]:
        """Return what it says of itself to everybody; proves that it is there."""
        found = self._open(lambda: self.service.GetSystemInfo(self._empty(), timeout=SECONDS))
        return {"user": found.UserName, "logged_in": found.IsLogin, "ready": found.SystemReady}

    def alive(self) -> None:
        """Prove that it is there and that it knows us, without a request to a cloud."""
        try:
            self.mounts()
        except Permanent as error:
            if isinstance(error, AccessDenied):
                raise

    def version(self) -> str:
        """Return its version; "" where the token may not see that."""
        try:
            found = self._call(lambda metadata: self.service.GetRuntimeInfo(self._empty(), SECONDS, metadata))
        except Permanent:
            return ""
        return f"{found.productName} {found.productVersion}".strip()

    def listing(self, path: str, *, fresh: bool = False) -> list[Entry]:
        """Return what lies in a folder, all of it; a stream that is cut raises."""
        request = self.stubs.pb.ListSubFileRequest(path=path, forceRefresh=fresh)

        def read(metadata: Any) -> list[Entry]:
            stream = self.service.GetSubFiles(request, LIST_SECONDS, metadata)
            return [_entry(each) for reply in stream for each in reply.subFiles]

        found: list[Entry] = self._call(read, path)
        return found

    def mounts(self) -> list[Mount]:
        """Return its mount points."""
        found = self._call(lambda metadata: self.service.GetMountPoints(self._empty(), SECONDS, metadata))
        return [Mount(each.mountPoint, each.sourceDir, each.isMounted, each.failReason) for each in found.mountPoints]

    def pushes(self) -> Pushes:
        """Open the stream of messages."""
        return Pushes(self)

    # -- Logging in

    def token(self) -> str:
        """Return what tells it who we are; logs in when that was not done yet."""
        return self.access.token or self._login()

    def was_good(self, token: str) -> None:
        """Remember that a token was accepted."""
        if token == self._jwt:
            self._good = token

    def forget_login(self, token: str) -> bool:
        """Drop a token that was refused; False if logging in again cannot help: a token that never was any good.

        Others may be refused with the same one at the same time: the first has dropped it for all.
        """
        if self.access.token:
            return False
        with self._lock:
            if token != self._jwt:
                return True
            useful, self._jwt, self._good = token == self._good, "", ""
        return useful

    def _login(self) -> str:
        with self._lock:
            if not self._jwt:
                request = self.stubs.pb.GetTokenRequest(userName=self.access.user, password=self.access.password)
                answer = self._open(lambda: self.service.GetToken(request, timeout=SECONDS))
                if not answer.success or not answer.token:
                    said = self._clean(answer.errorMessage)
                    raise AccessDenied(f"CloudDrive2 refused the login: {said}", code="clouddrive_login", said=said)
                self._jwt = answer.token
            return self._jwt

    # -- Errors

    def _call(self, ask: Callable[[Any], Any], path: str = "") -> Any:
        """Ask with credentials (about a path); once more after a new login where a token has run out."""
        token = self.token()
        try:
            return self._proving(ask, token, path)
        except AccessDenied:
            if not self.forget_login(token):
                raise
        return self._proving(ask, self.token(), path)

    def _proving(self, ask: Callable[[Any], Any], token: str, path: str) -> Any:
        try:
            found = self._open(lambda: ask(metadata(token)), path)
        except Permanent as error:
            if not isinstance(error, AccessDenied):
                self.was_good(token)
            raise
        self.was_good(token)
        return found

    def _open(self, ask: Callable[[], Any], path: str = "") -> Any:
        try:
            return ask()
        except self.stubs.grpc.RpcError as error:
            raise self.told(error, path) from None

    def told(self, error: Any, path: str = "") -> WorkError:
        """Return our error for one of gRPC's; no secret is in it. Numbers in ``path`` are no codes of 115."""
        code, said = error.code(), self._clean(error.details() or "")
        cloud_said = said.replace(path, "") if len(path) > 1 else said
        status = self.stubs.grpc.StatusCode
        if code == status.UNAUTHENTICATED:
            return AccessDenied(f"CloudDrive2 refused the token: {said}", code="clouddrive_refused", said=said)
        if code == status.RESOURCE_EXHAUSTED or TOO_FREQUENT.search(cloud_said):
            spent = QUOTA.search(cloud_said)
            return Transient(f"Too many requests: {said}", code=QUOTA_SPENT if spent else THROTTLED, said=said)
        if QUOTA.search(cloud_said):
            return Transient(f"The quota is spent: {said}", code=QUOTA_SPENT, said=said)
        if code == status.NOT_FOUND:
            return Permanent(f"CloudDrive2 does not know it: {said}", code=NOT_FOUND, said=said)
        if code == status.PERMISSION_DENIED:
            return Permanent(f"The token has no right to this: {said}", code=DENIED, said=said)
        if code in (status.UNAVAILABLE, status.DEADLINE_EXCEEDED):
            return Unreachable(f"CloudDrive2 does not answer: {said}", code="clouddrive_unreachable", said=said)
        return Transient(f"CloudDrive2 failed ({code.name}): {said}", code="clouddrive_failed", said=said)

    def _clean(self, text: str) -> str:
        access = self.access
        return without(text, {"t": access.token, "p": access.password, "j": self._jwt})[:300]

    def _empty(self) -> Any:
        return self.stubs.empty.Empty()


class Pushes:
    """The stream of messages: iterate over it in one thread, ``cancel`` it from another."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.token = connection, connection.token()
        self.stream = connection.service.PushMessage(connection._empty(), metadata=metadata(self.token))

    def __iter__(self) -> Iterator[Push]:
        """Yield until the stream ends; raises our errors when it breaks."""
        try:
            for message in self.stream:
                self.connection.was_good(self.token)
                yield _push(message)
        except self.connection.stubs.grpc.RpcError as error:
            told = self.connection.told(error)
            if told.code == "clouddrive_refused" and self.connection.forget_login(self.token):
                raise Transient("The login has run out.", code="clouddrive_login_again") from None
            raise told from None

    def cancel(self) -> None:
        self.stream.cancel()


def metadata(token: str) -> tuple[tuple[str, str], ...]:
    """Return a token as it is sent with a call."""
    return (("authorization", f"Bearer {token}"),)


def _entry(file: Any) -> Entry:
    mtime = file.writeTime.seconds * 1_000_000_000 + file.writeTime.nanos if file.HasField("writeTime") else 0
    ident = file.id
    if not ident and file.fileHashes:
        ident = f"{sorted(file.fileHashes.items())} {file.size}"
    return Entry(file.name, file.isDirectory, file.size, mtime, ident)


_CHANGES = {0: "create", 1: "delete", 2: "rename"}  # 0 is also what stands for "absent"


def _push(message: Any) -> Push:
    kind = message.messageType
    if kind == 4 and message.HasField("fileSystemChange"):
        change = message.fileSystemChange
        what = _CHANGES.get(change.changeType, "")
        return Push("change", what, change.isDirectory, change.path, change.newPath) if what else Push("other")
    return Push({3: "exit", 5: "mount"}.get(kind, "other"))
