"""From what a source says to hints: translate the path, find the root, and store.

::

    source's path ──mapping rules (wired)──▶ or ──Root.remote_path──▶ or ──as it is──▶ local path ──▶ root + folder
"""

from __future__ import annotations

from collections.abc import Iterable

from mediasync.core.clock import Clock, system

from .notices import Notice, Source


def take_in(notices: Iterable[Notice], source: Source, *, reference: str = "", clock: Clock = system) -> int:
    """Store notices as hints and return how many hints wait for them. Call it in the transaction of their origin."""
    raise NotImplementedError
