"""What a place to keep files in is: ``STORAGE = ItsClass`` in one module, and one entry in ``plugins.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file became there."""

    locator: str
    size: int
    remote_file_id: str = ""
    public_url: str = ""


class Storage(Protocol):
    """The protocol; errors are those of ``core.errors``. ``config`` holds no secret."""

    label: ClassVar[StrOrPromise]
    kind: ClassVar[str]  # models.StorageBackend.Kind
    fields: ClassVar[tuple[str, ...]]  # of ``config``

    def __init__(self, container: str, config: Mapping[str, Any]) -> None: ...

    def check(self) -> str:
        """Prove that files can be put there and return one sentence for people; raises what is wrong."""

    def locator(self, local: str) -> str:
        """Return the locator for a file whose local one is this (base prefix in front, the same structure)."""

    def put(self, path: Path, locator: str, tell: Callable[[int, int | None], None]) -> Stored:
        """Store a file; doing it twice gives the same."""

    def exists(self, locator: str) -> int | None:
        """Return the size of what lies there, or None."""

    def address(self, locator: str) -> str:
        """Return where everybody may read it, "" if nowhere; asks nobody."""

    def remove(self, locator: str) -> None:
        """Remove a file; one that is gone already is fine."""

    def free(self) -> int | None:
        """Return the free bytes, or None where nobody can say."""
