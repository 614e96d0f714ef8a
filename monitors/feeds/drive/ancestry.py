"""Paths in a Drive of which we keep no tree: ask for parents, one by one, each once a turn."""

from __future__ import annotations

from typing import Any

from mediasync.core.errors import Permanent
from monitors.accounts.gdrive_client import Drive
from monitors.models import Root

from .names import FOLDER, as_mounted, item_of
from .page import TooMuch, listed
from .places import DEEPEST, Names, folder_id

MOST = 3000  # questions in a turn


class Ancestry:
    """Names below the folder ``top``."""

    def __init__(self, client: Drive, top: str) -> None:
        self._client, self.top = client, top
        self._files: dict[str, dict[str, Any] | None] = {}

    def file(self, ident: str) -> dict[str, Any] | None:
        """Return a file or folder as it is now; None if it is not there. Raises TooMuch."""
        if ident not in self._files:
            if len(self._files) >= MOST:
                raise TooMuch("Too much happened.")
            self._files[ident] = self._client.file(ident)
        return self._files[ident]

    def names(self, parent: str, name: str) -> Names | None:
        """Return the names down to ``name`` in ``parent``; None if it does not lie below the top."""
        names = [name]
        while parent != self.top:
            file = self.file(parent) if parent else None
            item = item_of(file) if file else None
            if item is None or len(names) > DEEPEST:
                return None
            names.append(item.name)
            parent = item.parent
        return tuple(reversed(names))


def folder_of(client: Drive, root: Root) -> str:
    """Return the id of a root's folder; Permanent if it is not there."""
    if ident := folder_id(root):
        return ident
    here = client.top()
    for name in filter(None, root.remote_path.split("/")):
        query = f"'{here}' in parents and mimeType = '{FOLDER}' and trashed = false"
        found = [ident for ident, item in listed(client, query) if item.name == as_mounted(name)]
        if not found:
            text = f"There is no folder {root.remote_path} in this Drive."
            raise Permanent(text, code="drive_no_folder", root=root.name, path=root.remote_path)
        here = found[0]
    return here
