"""Where each path of a payload goes: source → local → root and folder → hint → job. It only looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mediasync.core.paths import join
from monitors.hints.notices import Notice
from monitors.hints.translating import Place, Places
from monitors.models import Hint, Payload, Root

from . import services as hooks

MOST = 100  # paths that a page shows


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one notice. ``code``: why it ends; ``local``: the absolute path here."""

    notice: Notice
    code: str = ""
    root: Root | None = None
    local: str = ""
    hint: Hint | None = None


def ways_of(payload: Payload, notices: Iterable[Notice]) -> list[Way]:
    """Return the way of each of the first notices; with what came of it if the payload was followed."""
    places = Places(hooks.source_of(payload.hook))
    found = [(notice, places.find(notice)) for notice in list(notices)[:MOST]]
    roots = Root.objects.in_bulk({place.root_id for _, place in found if isinstance(place, Place) and place.root_id})
    hints = _hints(payload, [place for _, place in found if isinstance(place, Place)])
    return [_way(notice, place, roots, hints) for notice, place in found]


def stored(payload: Payload) -> list[Notice]:
    """Return the notices that are stored with a payload."""
    return [Notice(**each) for each in payload.notices]


def _way(
    notice: Notice, place: Place | str | None, roots: dict[int, Root], hints: dict[tuple[int | None, str], Hint]
) -> Way:
    if not isinstance(place, Place):
        return Way(notice, code=place or "hint_unmatched")
    root = roots.get(place.root_id or 0)
    local = join(root.path, place.path) if root else place.path
    # A hint stands for the folder; what should be there is its name, if the hook waits for that.
    keys = [(place.root_id, join(folder, name)) for folder, name in (_split(place.path), (place.path, ""))]
    keys.append((place.root_id, _split(place.path)[0]))
    return Way(notice, "", root, local, next((hints[key] for key in keys if key in hints), None))


def _split(path: str) -> tuple[str, str]:
    folder, _slash, name = path.rpartition("/")
    return folder or ("/" if path.startswith("/") else ""), name


def _hints(payload: Payload, places: Sequence[Place]) -> dict[tuple[int | None, str], Hint]:
    """Return the newest hints by root and path. One that others joined has their reference, so the path counts."""
    if payload.parsed_at is None:
        return {}
    folders = {folder for place in places for folder in (place.path, _split(place.path)[0])}
    rows = Hint.objects.filter(path__in=folders, last_at__gte=payload.parsed_at).order_by("-id")
    return {(row.root_id, join(row.path, row.name) if row.name else row.path): row for row in rows[: 10 * MOST]}
