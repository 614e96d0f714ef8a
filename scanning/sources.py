"""What the mapping rules mean for hints: a source's path as a local one, and which local paths a server knows.

``mediasync/wiring.py`` hands these to monitors, which may not import us.
"""

from __future__ import annotations

from collections.abc import Collection

from . import mapping, selectors, services
from .telling import Listener


class SourceRules:
    """The rules from one source's name space to ours, read once."""

    def __init__(self, source: str) -> None:
        self._rules = mapping.for_source(source, mapping.DROP)

    def translate(self, path: str) -> str | None:
        """Return the local path; None if no rule matches. Raises ValueError for what is no path."""
        mapped = self._rules.translate(path)
        if mapped.error:
            raise ValueError(mapped.error)
        return mapped.path

    def close(self) -> None:
        """Add the uses of the rules to their rows."""
        services.count_uses(self._rules)


def known(paths: Collection[str]) -> set[str]:
    """Return those local paths that a rule of some server translates, or that lie in one of its libraries."""
    listeners = [Listener(server) for server in selectors.enabled_servers()]
    return {path for path in paths if any(_knows(each, path) for each in listeners)}


def _knows(listener: Listener, path: str) -> bool:
    mapped = listener.rules.translate(path)
    if mapped.path is None:
        return False
    return mapped.rule is not None or bool(listener.places.libraries_for(mapped.path))
