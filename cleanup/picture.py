"""Look into a picture for the mark that Kometa leaves on what it drew."""

from __future__ import annotations

import os
import warnings

from .plexdata.entries import Entry, of_stat, same
from .plexdata.safe import Root

MARK = 0x04BC  # an EXIF tag that nobody else uses; its value is "overlay"
OVERLAY = "overlay"
MOST = 50_000_000  # bytes; no poster is larger


def is_overlay(root: Root, entry: Entry) -> bool:
    """Tell whether a file below ``root`` carries the mark; False for what is no picture, or not the file it was."""
    if entry.kind != "file" or entry.size > MOST:
        return False
    from PIL import Image  # only where it is asked for: it takes its time to load

    try:
        fd = root.open_file(entry.path)
    except OSError:
        return False
    with os.fdopen(fd, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if not same(of_stat(entry.path, os.fstat(fd)), entry):
                return False
            with Image.open(file) as image:
                return str(image.getexif().get(MARK, "")).strip("\0 ").lower() == OVERLAY
        except Exception:  # Pillow raises nearly anything for a broken file
            return False
