"""How much lies in bundles: for the page, and for each unit of a plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .plexdata import layout
from .plexdata.walk import Bundle


@dataclass(slots=True)
class Weight:
    """Sums over bundles. A file with several names counts in parts."""

    bundles: int = 0
    bytes: int = 0
    files: int = 0
    upload_bytes: int = 0
    upload_files: int = 0

    def add(self, bundle: Bundle) -> None:
        """Count one bundle."""
        self.bundles += 1
        uploads = f"{bundle.path}/{layout.UPLOADS}/"
        blocks, files = bundle.spared_blocks, sum(bundle.spared.values())
        for path, kind, _dev, _ino, _size, size, _time, nlink, _target in bundle.entries:
            if kind == "folder":
                continue
            if nlink > 1:
                size //= nlink
            files, blocks = files + 1, blocks + size
            if path.startswith(uploads):
                self.upload_files, self.upload_bytes = self.upload_files + 1, self.upload_bytes + size * 512
        self.files, self.bytes = self.files + files, self.bytes + blocks * 512

    def facts(self) -> dict[str, int]:
        return asdict(self)
