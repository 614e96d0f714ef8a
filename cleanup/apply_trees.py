"""A whole bundle as it is now, to be compared with what the plan saw."""

from __future__ import annotations

import os
import posixpath

from .plexdata import layout, walk
from .plexdata.safe import Root
from .rules.trees import measure


def bundle_at(root: Root, path: str) -> walk.Bundle | None:
    """Return the bundle at ``path`` below the data folder with all in it, None if it is not (wholly) there."""
    place = layout.place_of(path)
    if place is None or place.rel:
        return None
    if walk.mounts_below(f"{root.path}/{path}"):
        return None
    bundle = walk.Bundle(place.bundle, path)
    try:
        above = root.open_folder(posixpath.dirname(path))
    except OSError:
        return None
    try:
        walk._fill(above, posixpath.basename(path), bundle, os.fstat(above).st_dev, walk.ignore)
    finally:
        os.close(above)
    return bundle if bundle.complete else None


def mark_of(root: Root, path: str) -> str:
    """Return the mark of a bundle as it is now; "" if it cannot be read, which is no mark."""
    bundle = bundle_at(root, path)
    return measure(bundle.entries).mark if bundle is not None else ""
