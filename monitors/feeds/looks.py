"""What a feed wants looked at, on its way to hints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from mediasync.core.clock import Clock, system
from monitors.hints.delays import delays_of
from monitors.hints.notices import Source
from monitors.hints.noting import Said, Spot, note
from monitors.models import Root


class Look(NamedTuple):
    """A folder below a root; ``name``: what in it must be visible, and rest, before."""

    root_id: int
    path: str
    name: str = ""
    group: str = ""
    deep: bool = False  # all below it, not just the folder


def store(looks: Iterable[Look], source: Source, clock: Clock = system) -> None:
    """Store them as hints; a root that is no more wants none."""
    by_root: dict[int, list[Spot]] = defaultdict(list)
    for look in looks:
        by_root[look.root_id].append(Spot(look.path, look.name, group=look.group, deep=look.deep))
    if by_root:
        said = Said(source.name, "", clock.now(), *delays_of(source))
        for root_id in Root.objects.filter(pk__in=by_root).order_by("pk").values_list("pk", flat=True):
            note(root_id, by_root[root_id], said)
