"""Find the root and the folder of a path as a source says it.

The mapping rules belong to scanning, which stands above us: ``mediasync/wiring.py`` says where they are (``use``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mediasync.core import foreign
from mediasync.core.paths import is_within, join, normalise, relative, to_bytes
from monitors.filesystems import reaches_remote
from monitors.models import Root

from .notices import Notice, Source

LONGEST = 2600  # bytes of a path: an index of PostgreSQL takes no more


class Rules(Protocol):
    """The ordered mapping rules of one source; the first that matches wins."""

    def translate(self, path: str) -> str | None:
        """Return the local path; None if no rule matches. Raises ValueError for what is no path."""

    def close(self) -> None:
        """Write down which rules were of use."""


class NoRules:
    """Nothing is mapped."""

    def __init__(self, source: str) -> None: ...

    def translate(self, path: str) -> str | None:
        return None

    def close(self) -> None: ...


_load: Callable[[str], Rules] = NoRules


def use(load: Callable[[str], Rules]) -> None:
    """Say what gives the mapping rules of a source by its name."""
    global _load
    _load = load


@dataclass(frozen=True, slots=True)
class Place:
    """A path below a root (no leading slash); absolute if it lies in none."""

    root_id: int | None
    path: str


class Places:
    """Rules and roots, read once for many paths of one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rules = _load(source.name)
        self._roots = list(Root.objects.all())
        self._lags: dict[int, bool] = {}
        account = source.account_id
        mine = [root for root in self._roots if account and root.account_id == account and root.remote_path]
        remote = [(_names(root.remote_path), root) for root in mine if root.enabled]
        self._remote = sorted(remote, key=lambda pair: -len(pair[0]))

    def close(self) -> None:
        """Write down which rules were of use."""
        self._rules.close()

    def may_lag(self, root_id: int) -> bool:
        """Tell whether listings of a root may show for a while what is gone already: through a mount that remembers."""
        if root_id not in self._lags:
            root = next(each for each in self._roots if each.pk == root_id)
            here = root.mounted and root.lister == Root.Lister.LOCAL
            self._lags[root_id] = here and reaches_remote(to_bytes(root.path))
        return self._lags[root_id]

    def find(self, notice: Notice) -> Place | str | None:
        """Return where a path lies; a code (texts) if it cannot be ours; None for what an account holds elsewhere."""
        if not is_text(notice.path):
            return "hint_bad_path"
        try:
            local = normalise(notice.path) if notice.local else self.local(notice.path)
        except ValueError:
            return "hint_windows_path" if foreign.is_windows(notice.path) else "hint_bad_path"
        if local is None:
            return self._unmatched(notice.path)
        return self._inside(local)

    def local(self, path: str) -> str | None:
        """Return the local path that a rule or a root's place in the account gives; None if neither does.

        Raises ValueError for what is no path.
        """
        if (mapped := self._rules.translate(path)) is not None:
            return normalise(mapped)
        names = _names(path)
        for top, root in self._remote:
            if names[: len(top)] == top:
                return normalise(join(root.path, "/".join(names[len(top) :])))
        if self._source.account_id or self._source.unmatched != "pass":
            return None
        return normalise(path)

    def _unmatched(self, path: str) -> Place | str | None:
        """Say what becomes of a path that nothing translates: an account may hold much that is nobody's root."""
        if self._source.account_id is None:
            return "hint_unmatched" if self._source.unmatched == "error" else "hint_left_out"
        if foreign.is_windows(path) or not path.startswith("/"):
            return None
        place = self._inside(normalise(path))
        return place if isinstance(place, Place) and place.root_id is not None else None

    def _inside(self, local: str) -> Place | str:
        for root in self._roots:
            if is_within(local, root.path):
                return Place(root.pk, relative(local, root.path)) if root.enabled else "hint_root_off"
        return Place(None, local)


def is_text(path: str) -> bool:
    """Tell whether it can be stored: some text, not too long, without NUL and lone surrogates."""
    if not isinstance(path, str) or not path or "\0" in path:
        return False
    data = path.encode("utf-8", "replace")
    return len(data) <= LONGEST and data.decode() == path


def _names(path: str) -> list[str]:
    """Return the components of a path in an account; "remote:" is one of its own."""
    head, colon, tail = path.partition(":")
    names = [head + colon, *tail.split("/")] if colon and "/" not in head else path.split("/")
    return [name for name in names if name not in ("", ".")]
