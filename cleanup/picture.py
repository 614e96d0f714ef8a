"""Look into a picture for the mark that Kometa leaves on what it drew."""

from __future__ import annotations

import os
import warnings

from PIL import Image

from mediasync.core import paths

from .plexdata.entries import Entry

MARK = 0x04BC  # an EXIF tag that nobody else uses; its value is "overlay"
OVERLAY = "overlay"
MOST = 50_000_000  # bytes; no poster is larger


def is_overlay(root: str, entry: Entry) -> bool:
    """Tell whether a file below ``root`` carries the mark; False for what is no picture, or not the file it was."""
    if entry.kind != "file" or entry.size > MOST:
        return False
    try:
        fd = os.open(paths.to_bytes(f"{root}/{entry.path}"), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(fd, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if os.fstat(fd).st_ino & (1 << 63) - 1 != entry.ino & (1 << 63) - 1:
                return False
            with Image.open(file) as image:
                return str(image.getexif().get(MARK, "")).strip("\0 ").lower() == OVERLAY
        except Exception:  # Pillow raises nearly anything for a broken file
            return False
