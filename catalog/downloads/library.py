"""Songs that lie in a folder of this machine already, by their tags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.core.paths import join, normalise

from ..errors import Unavailable
from ..fetching import bring
from ..sources.base import Reach, TrackMeta
from . import shelf
from .base import Candidate, Fetch, Tell
from .library_index import songs_of


class Library:
    """The download source ``library``."""

    label: ClassVar = _("Folder of this machine")
    notice: ClassVar = _("Files are copied from your own folder; it stays as it is.")
    fields: ClassVar[tuple[str, ...]] = ("folder",)

    def __init__(self, reach: Reach, name: str) -> None:
        try:
            self.folder = normalise(str(reach.settings.get("folder") or "").strip())
        except ValueError as error:
            raise UsageError(f"Name a folder from its root: {error}.", code="bad_folder") from None
        self.reach, self.name = reach, name

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        """Look into the index, which is brought up to date at the start of a job, and once in a quarter of an hour."""
        key = ("library", self.name, self.folder)
        found = shelf.kept(self.reach, key, lambda: songs_of(self.folder, self.name, self.reach.stopping))
        return found.search(want, limit)

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        below = str(candidate.opaque.get("path") or "")
        if not below or ".." in below.split("/"):
            raise Unavailable("The candidate has no path.")
        return bring(Fetch(path=join(self.folder, below)), part, tell, self.reach.http)


SOURCE = Library
