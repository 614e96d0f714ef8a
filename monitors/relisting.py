"""List some folders once more, for a second look.

Through a crew, as in a crawl: a mount that hangs must not hang us, and what filters leave out is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mediasync.core.paths import to_bytes

from .listers import Lister
from .walk import Known


class Again(NamedTuple):
    """What a folder holds now: (name, is it a folder). With an ``error`` there may be more than ``names``."""

    path: str
    names: frozenset[tuple[str, bool]]
    error: str


def list_again(lister: Lister, paths: Sequence[str]) -> Iterator[list[Again]]:
    """Yield what is found in folders (stored text, below the root), now and then an empty list while waiting."""
    entries: list[Known] = [(number, to_bytes(path), None, None) for number, path in enumerate(paths)]
    with lister.crew(_no_ids) as crew:
        for _, found in crew.check([entries]):
            answers = []
            for number, _, _, folders, files, error in found:
                names = [(name, True) for name in folders or ()] + [(row[0], False) for row in files]
                answers.append(Again(paths[number], frozenset(names), error))
            yield answers


def _no_ids(count: int) -> int:
    raise AssertionError("nothing new is stored by a second look")
