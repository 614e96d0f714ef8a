"""Which library owns a path (triggers.md B.4)."""

from __future__ import annotations

from collections import defaultdict

from mediasync.core import foreign

from .models import Library, LibraryPath, Server


class Places:
    """The locations of one server's enabled libraries, read once and asked often."""

    def __init__(self, server: Server) -> None:
        self._by_key: dict[tuple[str, ...], list[Library]] = defaultdict(list)
        rows = LibraryPath.objects.filter(library__server=server, library__enabled=True)
        for row in rows.select_related("library").order_by("library_id", "id"):
            try:
                self._by_key[foreign.split(row.path).key].append(row.library)
            except ValueError:  # "smb://…": no path of ours can lie there
                continue

    def libraries_for(self, path: str) -> list[Library]:
        """Return the libraries of the longest location that is ``path`` or lies above it; several may share it.

        Raises ValueError for a relative path and for ``..``.
        """
        key = foreign.split(path).key
        for length in range(len(key), 0, -1):
            if found := self._by_key.get(key[:length]):
                return list(dict.fromkeys(found))
        return []

    def location_of(self, path: str) -> str | None:
        """Return the location that holds ``path``, in the spelling of ``path``; None if none does."""
        whole = foreign.split(path)
        for length in range(len(whole.names), -1, -1):
            top = foreign.Split(whole.root, whole.names[:length])
            if top.key in self._by_key:
                return str(top)
        return None


def libraries_for(server: Server, server_path: str) -> list[Library]:
    """Return the libraries that own one path; for many paths keep a ``Places``."""
    return Places(server).libraries_for(server_path)
