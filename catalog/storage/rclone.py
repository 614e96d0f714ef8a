"""A cloud drive through a running rclone (``rclone rcd``): ``container`` is the remote, as ``gdrive:Music``.

rclone reads the file by itself, so it has to run where the library is seen under the same path. User and password of
its remote control come from the environment, as ``<credential_env_prefix>_USER`` and ``_PASSWORD``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from mediasync.core import clock
from mediasync.core.addresses import check_base_url
from mediasync.core.errors import AccessDenied, NeedsOperator, Permanent, Transient, UsageError, WorkError
from mediasync.core.texts import plain

from .base import Stored
from .environment import checked, from_environment
from .keys import key, portable, public_url

ADDRESS = "http://127.0.0.1:5572"
TIMES = (3.0, 100.0)  # seconds to connect and to answer
LOOK = 0.5  # seconds between two questions how far a copy is
_NOT_THERE = re.compile(r"(directory|object) not found|file does not exist", re.I)
_NEVER = re.compile(r"find section in config|didn't find backend|no such host|is a (directory|file)", re.I)
_FULL = re.compile(r"storage ?quota|quota ?exceeded|no space left|insufficient storage|storage limit", re.I)
_DENIED = re.compile(r"unauthorized|invalid_grant|permission denied|access denied|token expired", re.I)


class Rclone:
    """The storage ``rclone``."""

    label: ClassVar = _("Cloud drive (rclone)")
    kind: ClassVar[str] = "cloud_drive"
    fields: ClassVar[tuple[str, ...]] = ("address", "base_prefix", "public_base_url", "credential_env_prefix")

    def __init__(self, container: str, config: Mapping[str, Any]) -> None:
        text = {name: str(config.get(name) or "").strip() for name in self.fields}
        if ":" not in container:
            raise UsageError("Name a remote of rclone, as gdrive:Music.", code="no_remote")
        self.remote = container
        self.url = check_base_url(text["address"] or ADDRESS)
        self.prefix = text["base_prefix"]
        self.public = text["public_base_url"]
        self.secrets = text["credential_env_prefix"] and checked(text["credential_env_prefix"])
        self._made: Any = None

    def ask(self, command: str, **params: Any) -> dict[str, Any]:
        """Return the answer of rclone to one command; its sentences become our errors."""
        try:
            answer = self._session.post(f"/{command}", body=params).body
        except AccessDenied:
            text = "rclone refuses: check user and password of its remote control."
            raise AccessDenied(text, code="storage_denied") from None
        except WorkError as error:
            raise _translated(error) from None
        try:
            found = json.loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Permanent("The answer is not one of rclone: is this the right address?", code="storage_refused")
        return found

    @property
    def _session(self) -> Any:
        if self._made is None:
            from mediasync.core.http import Session  # only now: requests would cost each command its start

            headers, hidden = {}, []
            if self.secrets:
                found = from_environment(self.secrets, ("USER", "PASSWORD"))
                token = base64.b64encode(f"{found['USER']}:{found['PASSWORD']}".encode()).decode()
                headers["Authorization"] = f"Basic {token}"
                hidden = [token, *(each for each in [found["PASSWORD"]] if each.isascii() and each.isprintable())]
            self._made = Session(
                self.url, headers=headers, secrets=hidden, connect_timeout=TIMES[0], read_timeout=TIMES[1]
            )
        return self._made

    def check(self) -> str:
        """Make the folder of the prefix and list it."""
        if self.prefix:
            self.ask("operations/mkdir", fs=self.remote, remote=self.prefix.strip("/"))
        self.ask("operations/list", fs=self.remote, remote=self.prefix.strip("/"), opt={"noModTime": True})
        return now_("rclone can write to %(remote)s.") % {"remote": self.remote}

    def locator(self, local: str) -> str:
        return portable(key(self.prefix, local))

    def put(self, path: Path, locator: str, tell: Callable[[int, int | None], None]) -> Stored:
        """Have rclone copy the file; it compares both afterwards by itself."""
        try:
            size = path.stat().st_size
            folder, name = str(path.parent), path.name
            str(path).encode()
        except OSError:
            raise Permanent("The file is gone.", code="file_missing") from None
        except UnicodeEncodeError:
            raise Permanent("rclone cannot be told this name: it is no UTF-8.", code="storage_name") from None
        tell(0, size)
        paths = {"srcFs": folder, "srcRemote": name, "dstFs": self.remote, "dstRemote": locator}
        job = self.ask("operations/copyfile", _async=True, **paths)["jobid"]
        try:
            self._follow(int(job), size, tell)
        except BaseException:
            with suppress(Exception):
                self.ask("job/stop", jobid=job)
            raise
        there = self._stat(locator)
        if there is None or int(there.get("Size") or 0) != size:
            raise Transient("rclone says that the copy is complete, but it is not.", code="storage_failed")
        tell(size, size)
        ident = plain(str(there.get("ID") or ""))[:300]
        return Stored(locator, size, ident, self.address(locator))

    def _follow(self, job: int, size: int, tell: Callable[[int, int | None], None]) -> None:
        """Wait for a copy; ``tell`` may raise to stop it."""
        while True:
            status = self.ask("job/status", jobid=job)
            if status.get("finished"):
                break
            done = int(self.ask("core/stats", group=f"job/{job}").get("bytes") or 0)
            tell(min(done, size), size)
            clock.system.sleep(LOOK)
        if not status.get("success"):
            raise _said(plain(str(status.get("error") or ""))[:300])

    def _stat(self, locator: str) -> dict[str, Any] | None:
        found = self.ask("operations/stat", fs=self.remote, remote=locator).get("item")
        return found if isinstance(found, dict) and not found.get("IsDir") else None

    def exists(self, locator: str) -> int | None:
        there = self._stat(locator)
        return None if there is None else int(there.get("Size") or 0)

    def address(self, locator: str) -> str:
        return public_url(self.public, locator)

    def remove(self, locator: str) -> None:
        try:
            self.ask("operations/deletefile", fs=self.remote, remote=locator)
        except Permanent as error:
            if error.code != "storage_missing":
                raise

    def free(self) -> int | None:
        try:
            free = self.ask("operations/about", fs=self.remote).get("free")
        except WorkError:  # many clouds cannot say
            return None
        return int(free) if isinstance(free, int) else None


def _translated(error: WorkError) -> WorkError:
    """Return what rclone's sentence stands for; an error of the connection stays what it is."""
    answer = str(error.params.get("answer", ""))
    found = re.search(r'"error":\s*("(?:[^"\\]|\\.)*")', answer)
    if found is None:
        return error
    with suppress(ValueError):
        return _said(plain(str(json.loads(found.group(1))))[:300])
    return error


def _said(text: str) -> WorkError:
    message = f"rclone: {text}"
    if _NOT_THERE.search(text):
        return Permanent(message, code="storage_missing", error=text)
    if _FULL.search(text):
        return NeedsOperator(message, code="storage_full", error=text)
    if _DENIED.search(text):
        return AccessDenied(message, code="storage_denied", error=text)
    if _NEVER.search(text):
        return Permanent(message, code="storage_refused", error=text)
    return Transient(message, code="storage_failed", error=text)


STORAGE = Rclone
