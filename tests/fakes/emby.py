"""A fake Emby. No answer of a real one was ever recorded: it keeps to the official document (contract tests)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from .mediabrowser import FakeMediaBrowser
from .server import Request, Response, as_json, main


class FakeEmby(FakeMediaBrowser):
    kind: ClassVar[str] = "Emby"
    accepted: ClassVar[int] = 200
    prefixes: tuple[str, ...] = ("/emby", "")  # a proxy may pass on only one of them
    documented = True  # False: an older one that only has the plain list of folders

    def authorised(self, request: Request) -> bool:
        return self.token in (request.headers.get("x-emby-token"), request.value("api_key"))

    def about(self) -> dict[str, Any]:
        return {"ServerName": "Fake Emby", "Version": "4.8.11.0", "Id": "e" * 32, "WebSocketPortNumber": 8096}

    def answer(self, request: Request) -> Response:
        prefix = "/emby" if request.path.startswith("/emby/") else ""
        if prefix not in self.prefixes:
            return Response(404)
        request = replace(request, path=request.path.removeprefix(prefix))
        if request.method == "GET" and request.path == "/Library/VirtualFolders/Query" and self.documented:
            return as_json({"Items": self.folders(), "TotalRecordCount": len(self.libraries)})
        if request.method == "GET" and request.path == "/Library/VirtualFolders" and not self.documented:
            return as_json(self.folders())
        return super().answer(request)


if __name__ == "__main__":
    main(FakeEmby)
