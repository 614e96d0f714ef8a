"""CloudDrive2: a program that shows clouds (115, Aliyun, PikPak …) as one tree and mounts them.

``Root.remote_path`` is the path as CloudDrive2 shows it: ``/115/TV``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import Permanent, UsageError, WorkError
from mediasync.core.paths import is_within, join
from monitors.models import Account, Root

from . import limits
from .base import AccountKind, Field
from .clouddrive_rpc import NOT_FOUND, PORT, Access, Connection, Mount
from .secrets import secrets_of

if TYPE_CHECKING:
    from monitors.guards import Verdict

PER_SECOND = 0.9  # what 115 bears (partial-path-scanner's advice)
CLIMB = 8  # folders above one that CloudDrive2 does not know yet

FIELDS = (
    Field(
        "address",
        _("Address"),
        _("Host and port: 192.168.1.2:19798. Without a port: 19798."),
        default="127.0.0.1",
        place=True,
    ),
    Field("tls", _("TLS"), _("The connection is encrypted."), kind="bool", default=False, place=True),
    Field(
        "ca_file", _("CA file"), _("Certificates to trust (PEM); empty: those of the system."), kind="path", place=True
    ),
    Field(
        "token",
        _("API token"),
        _(
            "Made in CloudDrive2; it needs the rights to list, to receive push messages and "
            "to see mount points. Or give user and password."
        ),
        secret=True,
    ),
    Field("user", _("User"), _("Of CloudDrive2; not needed with a token.")),
    Field("password", _("Password"), secret=True),
)


def check(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return cleaned options and secrets; UsageError says what is wrong."""
    cleaned = dict(values)
    cleaned["address"] = _address(str(values.get("address") or ""))
    if not values.get("token") and not (values.get("user") and values.get("password")):
        raise UsageError(_t("Give an API token, or user and password."), code="clouddrive_credentials")
    ca_file = str(values.get("ca_file") or "").strip()
    if ca_file and not os.path.isfile(ca_file):
        raise UsageError(_t("There is no CA file of this name on this machine."), code="clouddrive_ca")
    cleaned["ca_file"] = ca_file
    return cleaned


def _address(text: str) -> str:
    """Return host:port; a pasted ``http://host:port/`` is understood."""
    address = text.strip().rpartition("://")[2].rstrip("/")
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, str(PORT)
    bad = not host or any(char in host for char in "/@? ") or (":" in host and not host.startswith("["))
    if bad or not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise UsageError(_t("The address must be host:port."), code="clouddrive_address")
    return f"{host}:{port}"


# -- Connections: one for each account and process, made anew when the account was changed

_lock = threading.Lock()
_connections: dict[int, tuple[int, Access, Connection]] = {}
_parents: list[Connection] = []  # of the process that we were forked from: not to be touched, nor to be collected


def access_of(account: Account) -> Access:
    """Return how to reach an account's CloudDrive2; Unreadable if its secrets cannot be opened."""
    options, hidden = account.options, secrets_of(account)
    return Access(
        address=_address(str(options.get("address") or "")),
        tls=bool(options.get("tls")),
        ca_file=str(options.get("ca_file") or ""),
        token=hidden.get("token", ""),
        user=str(options.get("user") or ""),
        password=hidden.get("password", ""),
    )


def connection(account: Account) -> Connection:
    """Return this process' connection of an account."""
    access = access_of(account)
    with _lock:
        pid, known, found = _connections.get(account.pk, (0, None, None))
        if found is not None and pid == os.getpid() and known == access:
            return found
        if found is not None and pid != os.getpid():
            _parents.append(found)
        made = Connection(access)
        _connections[account.pk] = os.getpid(), access, made
    return made


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # the parent may have held it


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def asking(account: Account, *, pace: bool = True) -> Iterator[Connection]:
    """Lend the connection for one request, within the account's limits, which hear what became of it."""
    with limits.asking(account, pace=pace):
        yield connection(account)


# -- What the kind can do


def probe(account: Account) -> Mapping[str, Any]:
    """Return version, user and mounts; raises what is wrong, and Snooze as ``limits.take``: a folder is listed."""
    own = connection(account)
    facts = own.system()
    facts["version"] = own.version()
    roots = Root.objects.filter(account=account).exclude(remote_path="").values_list("remote_path", flat=True)
    own.alive()  # the first call that needs the credentials
    limits.take(account)
    try:
        facts["folders"] = sum(entry.is_dir for entry in own.listing(roots[0] if roots else "/"))
    except Permanent:
        facts["folders"] = None  # a token may be limited to some folder
    try:
        facts["mounts"] = [f"{each.source} → {each.point}" for each in own.mounts() if each.mounted]
    except WorkError:
        facts["mounts"] = None  # a token need not have this right
    return facts


def nudge(root: Root, below: str) -> None:
    """Have CloudDrive2 read a folder anew, so that its mount shows it; climbs to one that it knows, and down again."""
    if root.account is None:
        return
    names = below.split("/") if below else []
    depth = len(names)
    least = max(0, depth - CLIMB)
    while not _refresh(root, names[:depth]) and depth > least:
        depth -= 1
    while depth < len(names) and _refresh(root, names[: depth + 1]):
        depth += 1


def _refresh(root: Root, names: list[str]) -> bool:
    """Read one folder anew; False if CloudDrive2 does not know it."""
    assert root.account is not None
    try:
        with asking(root.account) as own:
            own.listing(join(root.remote_path, "/".join(names)), fresh=True)
    except WorkError as error:
        if error.code == NOT_FOUND:
            return False
        raise
    return True


def mount_state(root: Root) -> Verdict | None:
    """Return what CloudDrive2 says of the mount that shows a root: OK, DOWN if it is not mounted, SUSPECT if there is
    none any more. Nothing if there never was one: what shows it may be something else, over WebDAV for example."""
    from monitors.guards import Verdict, down, suspect

    assert root.account is not None
    try:
        with asking(root.account, pace=False) as own:
            mounts = own.mounts()
    except (WorkError, UsageError):
        return None  # it may be a token without that right; a CloudDrive2 that is gone shows otherwise
    mine = shows(root, mounts)
    if there := next((each for each in mine if each.mounted), None):
        return Verdict(shown_at=there.point)
    if not mine:
        return suspect("guard_cloud_no_mount", mount=root.shown_at) if root.shown_at else None
    return down("guard_cloud_unmounted", mount=mine[0].point, reason=mine[0].reason or "–")


def shows(root: Root, mounts: list[Mount]) -> list[Mount]:
    """Return the mounts that show a root: by its path here, else (it may run elsewhere) by its folder there."""
    mine = [each for each in mounts if is_within(root.remote_path or "/", each.source or "/")]
    here = [each for each in mine if is_within(root.path, each.point.rstrip("/") or "/")]
    return here or mine


CLOUDDRIVE = AccountKind(
    name=Account.Kind.CLOUDDRIVE,
    fields=FIELDS,
    per_second=PER_SECOND,
    probe=probe,
    check=check,
    nudge=nudge,
    remembers=True,
    mount_state=mount_state,
)
