"""From what a source says to hints: translate the path, find the root, and store.

::

    source's path ──mapping rules──▶ or ──Root.remote_path──▶ or ──as it is──▶ local path ──▶ root + folder
                    (wired)

What only says where it happened becomes the folder to list and the name in it to wait for: until it is there, or, where
a mount may remember for a while what is gone, until it is not.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

from mediasync.core.clock import Clock, system
from mediasync.core.paths import for_people, to_bytes
from monitors.extensions import disc_of
from monitors.keep import kind_of
from monitors.models import Hint

from .delays import delays_of
from .notices import Notice, Source
from .noting import Said, Spot, note
from .translating import LONGEST, Place, Places

EXACT = frozenset(
    {"watch", "inotify", "polling", "clouddrive", "clouddrive2", "drive_changes", "drive_activity", "atrain"}
)
"""Kinds of sources that name each folder in which something changed; others mean all of a folder that they name."""


def take_in(notices: Iterable[Notice], source: Source, *, reference: str = "", clock: Clock = system) -> int:
    """Store notices as hints and return how many hints wait for them. Call it in the transaction of their origin.

    What cannot be a path of ours is stored as dropped, with a code, so that somebody can see why nothing came of it.
    """
    said = Said(source.name, reference, clock.now(), *delays_of(source))
    places = Places(source)
    spots: dict[int | None, list[Spot]] = defaultdict(list)
    refused: dict[str, str] = {}
    for notice in notices:
        place = places.find(notice)
        if isinstance(place, str):
            refused[for_people(str(notice.path)[:LONGEST])] = place
        elif place is not None:
            spots[place.root_id] += _spots(notice, place, places, source, reference)
    places.close()
    _refuse(refused, said)
    return sum(note(root_id, spots[root_id], said) for root_id in sorted(spots, key=lambda key: (key is None, key)))


def _refuse(refused: dict[str, str], said: Said) -> None:
    now, state = said.now, Hint.State.DROPPED
    times = {"first_at": now, "last_at": now, "due_at": now, "latest_at": now}
    who = {"source": said.source[:50], "reference": said.reference[:100], "state": state}
    Hint.objects.bulk_create(Hint(raw=path, path=path, code=code, **who, **times) for path, code in refused.items())


def _spots(notice: Notice, place: Place, places: Places, source: Source, reference: str) -> Iterator[Spot]:
    """Yield where to look because of a notice."""
    group = _group(notice, source, reference)
    spot = partial(Spot, raw=notice.path, group=group, distrusted=notice.distrusted)
    disc = disc_of(place.path)  # one unit, however many files of it are named
    path, is_dir = disc or place.path, bool(disc) or _is_dir(notice, place.path)
    deep = bool(disc) or (is_dir and source.kind not in EXACT)
    parent, _slash, name = path.rpartition("/")
    if place.root_id is None:
        folder, _slash, name = (parent if disc else path).rpartition("/")
        yield spot(folder or "/", name)
    elif notice.change == "delete":
        # One that its sender may be wrong about is not waited for: that it is still there is an answer.
        waits = bool(path) and source.wait_for_file and not notice.distrusted and places.may_lag(place.root_id)
        below = place.path.removeprefix(f"{parent}/" if parent else "")
        yield spot(parent, below if waits else "", deep=bool(disc), gone=waits)
    elif not path:
        yield spot("", deep=deep)
    elif source.wait_for_file:
        yield spot(parent, name, deep=deep)
    else:
        yield spot(parent)
        if is_dir:
            yield spot(path, deep=deep)


def _is_dir(notice: Notice, path: str) -> bool:
    """Guess what the source does not say by the extensions we know: "Vol. 2" is a folder."""
    if notice.is_dir is not None:
        return notice.is_dir
    return not kind_of(to_bytes(path.rpartition("/")[2]))


def _group(notice: Notice, source: Source, reference: str) -> str:
    """Return a group that no other source or message shares."""
    if not notice.group:
        return ""
    text = f"{source.name}\0{reference}\0{notice.group}"
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
