"""Emby: what it is asked, and why, stands in docs/servers.md and docs/scans.md."""

from __future__ import annotations

from typing import Any

from mediasync.core.errors import Permanent
from mediasync.core.http import Params, Reply

from .base import Client, field_of
from .mediabrowser import MediaBrowserClient, wrong_kind

PREFIX = "/emby"


class EmbyClient(MediaBrowserClient):
    """An Emby Server, whose address may be given with or without ``/emby``."""

    _prefix = ""
    _asked = ("Path", "DateCreated", "ProductionYear")

    def _exactly(self, path: str) -> Params:
        return (("Path", path),)

    def _authorization(self, token: str) -> dict[str, str]:
        return {"X-Emby-Token": token}

    def _check_product(self, product: str) -> None:
        if product.startswith("Jellyfin"):
            raise wrong_kind(product)

    def _name(self, name: str) -> str:
        return name

    def _list(self, name: str, *values: str) -> Params:
        return ((name, ",".join(values)),)

    def _recursive_refresh(self) -> Params:
        return (("Recursive", "true"),)

    def _folders(self) -> list[dict[str, Any]]:
        """Ask for the documented Query; older servers only have the plain list (and some answer it with a list)."""
        try:
            found = self._call("GET", "/Library/VirtualFolders/Query").json()
        except Permanent as error:
            if error.params.get("status") not in (404, 405):
                raise
            found = self._call("GET", "/Library/VirtualFolders").json()
        return found if isinstance(found, list) else list(field_of(found, "Items", list))

    def _call(self, method: str, path: str, params: Params = (), body: Any = None) -> Reply:
        """Send; at the first 404 try the other prefix, since proxies pass on only one of the two."""
        try:
            return super()._call(method, self._prefix + path, params, body)
        except Permanent as error:
            if error.params.get("status") != 404 or self._http.base_url.endswith(PREFIX):
                raise
            other = "" if self._prefix else PREFIX
            try:
                reply = super()._call(method, other + path, params, body)
            except Permanent:
                raise error from None
            self._prefix = other
            return reply


CLIENT: type[Client] = EmbyClient
