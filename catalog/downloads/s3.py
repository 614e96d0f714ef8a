"""Files of a bucket (S3), by their names; the keys of the account come from the environment only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from ..errors import Unavailable
from ..fetching import bring
from ..sources.base import Reach, TrackMeta
from ..storage.s3 import S3
from . import shelf
from .base import Candidate, Fetch, Tell
from .names import ext_of, guess, is_song

VALID = 3600  # seconds that a signed address can be used: one download


class Bucket:
    """The download source ``s3``; its settings are those of the storage, and ``bucket``."""

    label: ClassVar = _("Object storage (S3)")
    notice: ClassVar = _("Files are copied from your own bucket.")
    fields: ClassVar[tuple[str, ...]] = (
        *("bucket", "endpoint", "region", "base_prefix", "addressing_style", "credential_env_prefix"),
    )

    def __init__(self, reach: Reach, name: str) -> None:
        self.store = S3(str(reach.settings.get("bucket") or "").strip(), reach.settings)
        self.reach, self.name = reach, name

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        """Look into the list of all objects, asked for at the start of a job and each quarter of an hour."""
        key = ("s3", self.name, self.store.endpoint, self.store.bucket, self.store.prefix)
        return shelf.kept(self.reach, key, self._all).search(want, limit)

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        """Fetch it by a signed address, so that a cut download goes on as any other."""
        key = str(candidate.opaque.get("key") or "")
        if not key:
            raise Unavailable("The candidate has no key.")
        url = self.store.signed(key, VALID)
        return bring(Fetch(url=url, size=candidate.size), part, tell, self.reach.http)

    def _all(self) -> Iterator[Candidate]:
        folder = self.store.folder
        for number, (key, size) in enumerate(self.store.objects()):
            if number % 1000 == 0:
                self.reach.progress(f"{self.name}: {folder} {number}")
            if is_song(key):
                yield _candidate(self.name, key, key.removeprefix(folder), size)


def _candidate(source: str, key: str, path: str, size: int) -> Candidate:
    title, artists, album = guess(path)
    return Candidate(
        source=source,
        key=key[-500:],
        title=title,
        artists=artists,
        album=album,
        ext=ext_of(path),
        size=size,
        rights_basis="own-copy",
        opaque={"key": key},
    )


SOURCE = Bucket
