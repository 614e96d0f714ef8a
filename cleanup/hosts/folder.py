"""A folder that a web server of one's own serves: the plainest image host, and the one that lasts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import NeedsOperator, UsageError
from mediasync.core.paths import normalise, to_bytes

from .base import Field, Kind, base_address, name_for, words

FIELDS = (
    Field("path", _("Folder"), _("An absolute path that your web server serves, and that mediasync may write.")),
    Field("url", _("Address of the folder"), _("What the folder is called on the web: https://art.example.org/plex")),
)


class Folder:
    """Pictures as ``<path>/ab/<sha1>.jpg``, readable by everybody."""

    def __init__(self, path: str, url: str) -> None:
        try:
            self.path = Path(os.fsdecode(to_bytes(normalise(path))))
        except ValueError as error:
            raise UsageError(str(error), code="bad_path") from None
        self.url = base_address(url)

    def upload(self, data: bytes, content_type: str) -> str:
        name = name_for(data, content_type)
        place = self.path / name[:2] / name
        try:
            if not self.path.is_dir():
                raise NeedsOperator(f"The folder {self.path} is not there.", code="host_folder", path=str(self.path))
            if not (place.is_file() and place.stat().st_size == len(data)):
                place.parent.mkdir(exist_ok=True)
                self._write(place, data)
        except OSError as error:
            raise NeedsOperator(f"A picture cannot be written: {error}", code="host_folder", path=str(place)) from None
        return f"{self.url}/{name[:2]}/{name}"

    @staticmethod
    def _write(place: Path, data: bytes) -> None:
        """Write it beside its place and rename it, so that nobody is ever served half a picture."""
        handle, part = tempfile.mkstemp(dir=place.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o644)
            os.rename(part, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise


def make(settings: Mapping[str, Any], secret: str) -> Folder:
    found = words(settings, FIELDS)
    return Folder(found["path"], found["url"])


KIND = Kind("folder", _("Own web folder"), FIELDS, make, own=True)
