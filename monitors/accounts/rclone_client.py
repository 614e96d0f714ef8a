"""Ask a running rclone: its remote control is JSON over HTTP POST (rclone.org/rc).

rclone says what went wrong in a sentence (``{"error": …, "status": …}``), with 404 for what is not there and 500 for
nearly everything else, so a few of its sentences have to be known here (recorded from 1.60.1 and 1.75.2).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from mediasync.core.errors import AccessDenied, Permanent, Transient, WorkError
from mediasync.core.texts import plain
from monitors.models import Account

from . import limits
from .secrets import secrets_of

QUICK = (3.0, 10.0)  # seconds to connect and to answer: what rclone knows by itself
SLOW = (3.0, 100.0)  # what it must ask the cloud for; it says nothing until it has all of a folder
_ERROR = re.compile(r'"error":\s*"((?:[^"\\]|\\.)*)')
_NOT_THERE = re.compile(r"(directory|object) not found|file does not exist", re.I)
_NO_FOLDER = re.compile(r"not a directory", re.I)
_NEVER = re.compile(r"find section in config|no VFS |more than one VFS|find method|didn't find backend", re.I)
_THROTTLED = re.compile(r"too ?many ?requests|rate ?limit|error 429|slow ?down|throttl", re.I)
_QUOTA = re.compile(r"daily ?limit|quota ?exceeded|download quota", re.I)


class Missing(Permanent):
    """rclone, or the cloud, says that there is no such folder."""

    default_code = "rclone_missing"


class NoFolder(Missing):
    """There is something of that name, but it is a file."""


class Remote:
    """One rclone. ``call`` for what the cloud does not notice, ``ask`` for what counts against its limit."""

    def __init__(self, account: Account, times: tuple[float, float] = QUICK) -> None:
        from mediasync.core.http import Session  # only now: requests would cost each command its start

        self.account = account
        options, secrets = account.options, secrets_of(account)
        user, password = options.get("user", ""), secrets.get("password", "")
        headers, hidden = {}, [password]
        if user or password:
            token = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {token}"
            hidden.append(token)
        self._session = Session(
            options.get("address") or "http://127.0.0.1:5572",
            headers=headers,
            secrets=[each for each in hidden if each.isascii() and each.isprintable()],
            connect_timeout=times[0],
            read_timeout=times[1],
            verify=options.get("ca_file") or True,
        )

    def call(self, command: str, **params: Any) -> dict[str, Any]:
        """Return the answer to one command.

        Raises Missing and NoFolder, Unreachable, AccessDenied, Transient (with the codes that ``limits`` knows) and
        Permanent; all carry rclone's own sentence as ``error``.
        """
        try:
            reply = self._session.post(f"/{command}", body=params)
        except AccessDenied as error:
            text = "rclone refuses: check user and password, and that it runs with --rc-user and --rc-pass."
            raise AccessDenied(text, code="rclone_denied", status=error.params.get("status")) from None
        except WorkError as error:
            raise _translated(error) from None
        try:
            found = json.loads(reply.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Transient("The answer is not one of rclone: is this the right address?", code="rclone_rubbish")
        return found

    def ask(self, command: str, **params: Any) -> dict[str, Any]:
        """Do the same within the limit of the account, which learns how it went; raises Snooze too."""
        limits.take(self.account)
        try:
            found = self.call(command, **params)
        except Missing:
            limits.succeeded(self.account)  # an answer like any other
            raise
        except WorkError as error:
            limits.failed(self.account, error)
            raise
        limits.succeeded(self.account)
        return found

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()


def said(answer: str) -> str:
    """Return rclone's sentence from the beginning of an answer, "" if there is none."""
    found = _ERROR.search(answer)
    if found is None:
        return ""
    try:
        return plain(str(json.loads(f'"{found.group(1)}"')))
    except ValueError:
        return plain(found.group(1))


def strings(found: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of strings of an answer; what is none is left out."""
    values = found.get(name)
    return [plain(each) for each in values if isinstance(each, str)] if isinstance(values, list) else []


def _translated(error: WorkError) -> WorkError:
    """Return the error that rclone's sentence stands for; those of the connection stay what they are."""
    answer, status = str(error.params.get("answer", "")), error.params.get("status")
    text = said(answer)
    if not text:
        return error
    facts: dict[str, Any] = {"error": text[:300], "status": status}
    if _NO_FOLDER.search(text):
        return NoFolder(f"rclone: {text}", **facts)
    if status == 404 and _NOT_THERE.search(text):
        return Missing(f"rclone: {text}", **facts)
    if _NEVER.search(text) or isinstance(error, Permanent):
        return Permanent(f"rclone: {text}", code="rclone_refused", **facts)
    if _QUOTA.search(text):
        return Transient(f"rclone: {text}", code=limits.QUOTA_SPENT, **facts)
    code = limits.THROTTLED if _THROTTLED.search(text) else "rclone_failed"
    return Transient(f"rclone: {text}", code=code, **facts)
