"""A fake Jellyfin after its official document and recordings. It knows no old ways to authenticate, like version 12."""

from __future__ import annotations

from typing import Any, ClassVar

from .mediabrowser import FakeMediaBrowser
from .server import Request, Response, as_json, main


class FakeJellyfin(FakeMediaBrowser):
    kind: ClassVar[str] = "Jellyfin"
    accepted: ClassVar[int] = 204
    starting = False

    def authorised(self, request: Request) -> bool:
        return self.starting or request.headers.get("authorization") == f'MediaBrowser Token="{self.token}"'

    def about(self) -> dict[str, Any]:
        return {
            "ServerName": "Fake Jellyfin",
            "Version": "10.11.11",
            "ProductName": "Jellyfin Server",
            "Id": "a" * 32,
            "WebSocketPortNumber": 8096,
            "StartupWizardCompleted": True,
        }

    def answer(self, request: Request) -> Response:
        if self.starting:
            return Response(503, b"The server is starting.", "text/plain", {"Retry-After": "5"})
        if request.method == "GET" and request.path == "/Library/VirtualFolders":
            return as_json(self.folders())
        return super().answer(request)


if __name__ == "__main__":
    main(FakeJellyfin)
