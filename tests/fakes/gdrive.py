"""A fake Google Drive: the token endpoint, Drive v3 and Drive Activity v2, as far as their readers need them.

It gives only the ``fields`` that were asked for, so what is not asked for is not there. ``tests/monitors/gdrive`` has
every exchange checked with Google's discovery documents.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from .gdrive_tree import FakeTree
from .server import FakeServer, Library, Request, Response, as_json

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class FakeDrive(FakeServer):
    kind: ClassVar[str] = "Google Drive"
    default_library: ClassVar[str] = "drive"

    def __init__(self, tree: FakeTree | None = None, mirror: Path | None = None) -> None:
        super().__init__([])
        self.tree = tree or FakeTree(mirror=mirror)
        self.refresh_token = "refresh-me"
        self.good: set[str] = set()  # access tokens
        self.claims: list[dict[str, Any]] = []  # of service accounts
        self.most = 1000  # items on a page
        self.oldest = 0  # page tokens of changes before this one are forgotten
        self.scopes_missing = False  # for activity
        self.odd: list[tuple[Request, Response]] = []  # exchanges that a test planned, which nobody judges
        self.instead_of: list[tuple[str, Response]] = []
        self._tokens = 0

    def expire(self) -> None:
        """Let all access tokens run out."""
        self.good.clear()

    def instead(self, word: str, response: Response, times: int = 1) -> None:
        """Answer the next requests whose path holds ``word`` in this way."""
        self.instead_of += [(word, response)] * times

    def asked(self, word: str) -> list[Request]:
        """Return the requests whose path holds ``word``."""
        return [request for request in self.requests if word in request.path]

    # -- The frame

    def numbered(self, libraries: Sequence[Library]) -> Iterable[Library]:
        return libraries

    def authorised(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return request.path == "/token" or token in self.good

    def refuse(self) -> Response:
        return problem(401, "authError", "Invalid Credentials")

    def respond(self, request: Request) -> Response:
        for planned in self.instead_of:
            if planned[0] in request.path:
                self.instead_of.remove(planned)
                self.odd.append((request, planned[1]))
                return planned[1]
        return super().respond(request)

    def answer(self, request: Request) -> Response:
        match request.path.strip("/").split("/"):
            case ["token"]:
                return self._token(parse_qs(request.body.decode()))
            case ["drive", "v3", "about"]:
                found: Any = {"user": {"emailAddress": "me@example.org", "displayName": "Me"}, "storageQuota": QUOTA}
            case ["drive", "v3", "drives", ident] if ident == self.tree.drive:
                found = {"id": ident, "name": "Films", "kind": "drive#drive"}
            case ["drive", "v3", "changes", "startPageToken"]:
                return as_json({"kind": "drive#startPageToken", "startPageToken": str(len(self.tree.log))})
            case ["drive", "v3", "changes"]:
                found = self._changes(int(request.value("pageToken")))
            case ["drive", "v3", "files"]:
                found = self._files(request)
            case ["drive", "v3", "files", ident] if (ident if ident != "root" else self.tree.top) in self.tree.items:
                found = self.tree.shown(ident if ident != "root" else self.tree.top)
            case ["v2", "activity:query"]:
                return self._activity(json.loads(request.body))
            case _:
                found = None
        if found is None:
            return problem(404, "notFound", "File not found.")
        return as_json(only(found, request.value("fields")) if request.value("fields") else found)

    def _token(self, form: dict[str, list[str]]) -> Response:
        if form["grant_type"] == [JWT]:
            claims = form["assertion"][0].split(".")[1]
            self.claims.append(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))))
        elif form.get("refresh_token") != [self.refresh_token]:
            text = "Token has been expired or revoked."
            return as_json({"error": "invalid_grant", "error_description": text}, 400)
        self._tokens += 1
        self.good.add(token := f"access-{self._tokens}")
        return as_json({"access_token": token, "expires_in": 3599, "token_type": "Bearer", "scope": "all"})

    # -- Drive

    def _changes(self, since: int) -> dict[str, Any] | None:
        if since < self.oldest:
            return None
        told = self.tree.changes(since)
        page, rest = told[: self.most], told[self.most :]
        answer: dict[str, Any] = {"kind": "drive#changeList", "changes": page}
        if rest:
            answer["nextPageToken"] = str(self._position(since, page))
        else:
            answer["newStartPageToken"] = str(len(self.tree.log))
        return answer

    def _position(self, since: int, page: Sequence[dict[str, Any]]) -> int:
        """Return the place in the log after the last change of a page."""
        last = page[-1]["fileId"]
        return len(self.tree.log) - self.tree.log[::-1].index(last)

    def _files(self, request: Request) -> dict[str, Any]:
        query = request.value("q")
        parents, kind = re.findall(r"'([^']+)' in parents", query), re.search("mimeType = '([^']+)'", query)
        found = [self.tree.shown(ident) for ident in self.tree.items if ident != self.tree.top]
        found = [item for item in found if not parents or set(item["parents"]) & set(parents)]
        found = [item for item in found if not kind or item["mimeType"] == kind.group(1)]
        found = [item for item in found if "trashed = false" not in query or not item["trashed"]]
        start = int(request.value("pageToken", "0"))
        end = start + min(self.most, int(request.value("pageSize", "100")))
        more = {"nextPageToken": str(end)} if end < len(found) else {}
        return {"kind": "drive#fileList", "incompleteSearch": False, "files": found[start:end], **more}

    # -- Activity

    def _activity(self, body: dict[str, Any]) -> Response:
        if self.scopes_missing:
            details = [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
            ]
            text = "Request had insufficient authentication scopes."
            return as_json(
                {"error": {"code": 403, "message": text, "status": "PERMISSION_DENIED", "details": details}}, 403
            )
        span = re.fullmatch(r"time > (\d+) AND time <= (\d+)", body["filter"])
        assert span is not None
        since, until = (dt.datetime.fromtimestamp(int(ms) / 1000, dt.UTC) for ms in span.groups())
        folder = body["ancestorName"].removeprefix("items/")
        told = [
            each["activity"]
            for each in reversed(self.tree.activities)
            if since < each["at"] <= until and folder in each["above"]
        ]
        start = int(body.get("pageToken") or 0)
        end = start + min(self.most, body["pageSize"])
        more = {"nextPageToken": str(end)} if end < len(told) else {}
        return as_json({"activities": told[start:end], **more})


QUOTA = {"limit": "16106127360", "usage": "1024", "usageInDrive": "1000", "usageInDriveTrash": "24"}


def problem(status: int, reason: str, message: str) -> Response:
    """Return a refusal as Drive v3 words it."""
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return as_json({"error": {"errors": errors, "code": status, "message": message}}, status)


def only(thing: Any, fields: str) -> Any:
    """Return what a ``fields`` parameter selects: "a,b(c,d)"."""
    if isinstance(thing, list):
        return [only(each, fields) for each in thing]
    wanted = dict(re.findall(r"(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?", fields))
    return {name: only(thing[name], inner) if inner else thing[name] for name, inner in wanted.items() if name in thing}
