"""C7: uploaded pictures that nobody selected. They do not come back, so the newest of each folder stay as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..choices import Action, Klass, Risk
from ..plexdata.entries import Entry
from .base import Asking, Draft, of_entry
from .shelves import THEMES, Names, Picture

Overlay = Callable[[Entry], bool]
"""Whether a picture carries the mark that Kometa leaves on what it drew (EXIF 0x04bc = "overlay")."""


def draft(
    names: Names, bundle: str, asking: Asking, stays: Callable[[Picture], bool], overlay: Overlay
) -> Iterator[Draft]:
    """Yield what may go of one bundle's uploads."""
    policy = asking.policy
    folders: dict[str, list[Picture]] = {}
    for picture in names.pictures:
        if picture.shelf.upload:
            folders.setdefault(picture.rel.rpartition("/")[0], []).append(picture)
    for folder in sorted(folders):
        newest = sorted(folders[folder], key=lambda each: each.entry.mtime_ns, reverse=True)
        for place, picture in enumerate(newest):
            if stays(picture):
                continue
            why = ""
            if place < policy.upload_newest:
                why = "newest"
            elif asking.is_young(picture.entry, policy.upload_days):
                why = "young"
            elif picture.shelf.kind == THEMES and not policy.upload_themes:
                why = "theme"
            elif policy.overlays_only and not overlay(picture.entry):
                why = "no_overlay"
            if why:
                asking.kept[why] += 1
            else:
                yield of_entry(Klass.UPLOAD, Action.FILE, picture.entry, bundle, Risk.HIGH)
