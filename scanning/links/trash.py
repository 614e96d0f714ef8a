"""The trash of a target: ``.mediasync-trash/<date>/<path>``. Everything in it is ours."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from contextlib import suppress

from mediasync.core.paths import to_bytes, to_text

from . import names

FOLDER = b".mediasync-trash"


def put_away(target: bytes, folder: str, name: str, today: dt.date) -> None:
    """Move a link into the trash of today; one that is there already gets a numbered neighbour."""
    origin = b"/".join([target, *([to_bytes(folder)] if folder else []), to_bytes(name)])
    day = b"/".join([target, FOLDER, today.isoformat().encode()])
    bin_ = day + b"/" + to_bytes(folder) if folder else day
    os.makedirs(bin_, exist_ok=True)
    for free in (name, *names.numbered(name, 10_000)):
        place = bin_ + b"/" + to_bytes(free)
        if not os.path.lexists(place):
            os.rename(origin, place)
            return


def purge(target: bytes, before: dt.date) -> int:
    """Empty the trash of all days before ``before``; return how many days were emptied.

    ``shutil.rmtree`` removes links, never what they lead to; it refuses a day that is itself a link.
    """
    top = target + b"/" + FOLDER
    days = 0
    try:
        found = [entry.name for entry in os.scandir(top) if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return 0
    for name in sorted(found):
        try:
            day = dt.date.fromisoformat(to_text(name))
        except ValueError:
            continue  # not made by us
        if day < before:
            shutil.rmtree(top + b"/" + name)
            days += 1
    with suppress(OSError):  # not empty
        os.rmdir(top)
    return days
