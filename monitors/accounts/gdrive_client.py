"""Questions to one Google Drive, through Google's own client, each within the limit of the account.

A client is for one thread (httplib2 is not made for more). Facts: discovery documents of Drive v3 and Activity v2.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Permanent, Transient, UsageError
from monitors.models import Account

from . import limits
from .gdrive_access import READ_ACTIVITY, Access, check_override, need_google, parse_key, read_key
from .gdrive_errors import translate
from .gdrive_rclone import read_remote
from .secrets import secrets_of

SECONDS = 60  # for one answer
PAGE, ACTIVITY_PAGE = 1000, 100  # the most that Drive gives; what Activity gives well
FILE = "id,name,parents,mimeType,trashed,driveId"
SERVICES = {"drive": ("v3", "/drive/v3/"), "driveactivity": ("v2", "/")}  # version, path below the address

Answer = dict[str, Any]


def access_of(options: Mapping[str, Any], secrets: Mapping[str, str]) -> Access:
    """Return what the fields of an account give; UsageError says what is missing."""
    said = {name: str(value).strip() for name, value in {**options, **secrets}.items()}

    def given(name: str) -> str:
        return said.get(name, "")

    if given("rclone_config"):
        access = read_remote(given("rclone_config"), given("rclone_remote"))
    elif given("service_account"):
        access = Access(service_account=parse_key(given("service_account")))
    elif given("service_account_file"):
        access = Access(service_account=read_key(given("service_account_file")))
    elif all(given(name) for name in ("client_id", "client_secret", "refresh_token")):
        access = Access(given("client_id"), given("client_secret"), given("refresh_token"))
    else:
        text = _("Give an rclone.conf, or a client id with its secret and a refresh token, or a service account.")
        raise UsageError(text, code="drive_no_credentials")
    token_uri = check_override(given("token_uri")) if given("token_uri") else access.token_uri
    return replace(
        access,
        impersonate=given("impersonate") or access.impersonate,
        drive=given("drive") or access.drive,
        folder=given("folder") or access.folder,
        token_uri=token_uri,
    )


class Drive:
    """One account's Drive. Every method raises the errors of ``gdrive_errors``, and Snooze as ``limits.take`` does."""

    def __init__(self, account: Account, rest: Callable[[float], bool] | None = None, clock: Clock = system) -> None:
        self.account, self._rest, self._clock = account, rest, clock
        self._services: dict[str, Any] = {}
        self._stamp: Any = None
        self._access: Access | None = None
        self._top = ""

    @property
    def access(self) -> Access:
        """Return the credentials; those of an rclone.conf are read again when the file changes."""
        path = self.account.options.get("rclone_config") or ""
        stamp = _stamp(os.path.expanduser(path)) if path else None
        if self._access is None or stamp != self._stamp:
            self._access = access_of(self.account.options, secrets_of(self.account))
            self._stamp, self._top = stamp, ""
            self.close()
        return self._access

    def close(self) -> None:
        """Close the connections."""
        while self._services:
            self._services.popitem()[1].close()

    def ask(self, service: str, make: Callable[[Any], Any]) -> Answer:
        """Send what ``make`` makes of Google's client of a service, and return the answer."""
        request = make(self._service(service))
        with limits.asking(self.account, rest=self._rest, clock=self._clock):
            try:
                answer = request.execute(num_retries=0)
            except Exception as error:
                raised = translate(error, self.access.secrets(), self._clock.now())
                if raised is None:
                    raise
                raise raised from None  # Google's error holds the whole request
            if not isinstance(answer, dict):
                raise Transient("Google's answer cannot be read.", code="drive_unreadable")
        return answer

    def _service(self, name: str) -> Any:
        access = self.access
        if name not in self._services:
            version, path = SERVICES[name]
            self._services[name] = _build(access, name, version, self.account.options.get("endpoint", ""), path)
        return self._services[name]

    # -- Questions

    @property
    def drive(self) -> str:
        """Return the id of the shared drive, "" for My Drive."""
        return self.access.drive

    def top(self) -> str:
        """Return the id of the folder at which paths begin."""
        access = self.access
        if not self._top:
            self._top = access.folder or access.drive or _said(self.ask_file("root", "id"), "id")
        return self._top

    def ask_file(self, ident: str, fields: str = FILE) -> Answer:
        return self.ask("drive", lambda c: c.files().get(fileId=ident, fields=fields, supportsAllDrives=True))

    def file(self, ident: str) -> Answer | None:
        """Return a file or folder; None if it is not there (or not ours to see)."""
        try:
            return self.ask_file(ident)
        except Permanent as error:
            if error.code == "drive_not_found":
                return None
            raise

    def start_token(self) -> str:
        """Return the token from which changes are told from now on."""
        where = {"driveId": self.drive} if self.drive else {}
        answer = self.ask("drive", lambda c: c.changes().getStartPageToken(supportsAllDrives=True, **where))
        return _said(answer, "startPageToken")

    def changes(self, token: str) -> Answer:
        """Return one page of changes."""
        where = {"driveId": self.drive} if self.drive else {}
        fields = f"nextPageToken,newStartPageToken,changes(changeType,fileId,removed,file({FILE}))"
        return self.ask(
            "drive",
            lambda c: c.changes().list(
                pageToken=token,
                pageSize=PAGE,
                includeRemoved=True,
                includeItemsFromAllDrives=True,
                supportsAllDrives=True,
                fields=fields,
                **where,
            ),
        )

    def listing(self, page: str = "", query: str = "trashed = false") -> Answer:
        """Return one page of the files that fit ``query``, wherever they lie."""
        where = {"corpora": "drive", "driveId": self.drive} if self.drive else {"corpora": "user"}
        more = {"pageToken": page} if page else {}
        return self.ask(
            "drive",
            lambda c: c.files().list(
                q=query,
                pageSize=PAGE,
                includeItemsFromAllDrives=True,
                supportsAllDrives=True,
                fields=f"nextPageToken,incompleteSearch,files({FILE})",
                **where,
                **more,
            ),
        )

    def activities(self, folder: str, span: str, page: str = "") -> Answer:
        """Return one page of what happened below a folder, the newest first."""
        body = {"ancestorName": f"items/{folder}", "filter": span, "pageSize": ACTIVITY_PAGE}
        if page:
            body["pageToken"] = page
        return self.ask("driveactivity", lambda c: c.activity().query(body=body))


def _said(answer: Answer, name: str) -> str:
    if not answer.get(name):
        raise Transient("Google's answer cannot be read.", code="drive_unreadable")
    return str(answer[name])


def _build(access: Access, name: str, version: str, endpoint: str, path: str) -> Any:
    need_google()
    import httplib2
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build

    scope = READ_ACTIVITY if name == "driveactivity" else access.scope
    http: Any = AuthorizedHttp(access.credentials(scope), http=httplib2.Http(timeout=SECONDS))
    options = {"api_endpoint": check_override(endpoint) + path} if endpoint else {}
    return build(name, version, http=http, static_discovery=True, cache_discovery=False, client_options=options)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
