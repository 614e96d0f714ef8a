"""C5 and C6: whole bundles, that nothing belongs to, or that belong to a season or an episode."""

from __future__ import annotations

from ..choices import Action, Klass, Risk
from ..plexdata.walk import Bundle
from .base import Asking, Draft
from .trees import Tree, measure

CHILDREN = frozenset({3, 4})  # seasons and episodes: Plex keeps their pictures in the bundle of the show


def orphan(bundle: Bundle, asking: Asking) -> Draft | None:
    """Return the draft for a bundle whose hash the database does not know, if all in it is old enough.

    A bundle of folders alone is as old as the newest of them: Plex may be about to fill it.
    """
    if not _whole(bundle, asking):
        return None
    inside = [each for each in bundle.entries if each.kind != "folder"] or bundle.entries
    if any(asking.is_young(each, asking.policy.orphan_days) for each in inside):
        asking.kept["young"] += 1
        return None
    return _draft(Klass.ORPHAN, bundle, measure(bundle.entries))


def child(bundle: Bundle, asking: Asking) -> Draft | None:
    """Return the draft for the own bundle of a season or an episode, in which no column names anything."""
    if not _whole(bundle, asking) or any(asking.is_young(each) for each in bundle.entries):
        return None
    return _draft(Klass.CHILD, bundle, measure(bundle.entries))


def _whole(bundle: Bundle, asking: Asking) -> bool:
    """Tell whether all of a bundle was seen, and is what Plex makes."""
    if bundle.complete and not any(each.kind == "other" for each in bundle.entries):
        return True
    asking.kept["unreadable"] += 1
    return False


def _draft(klass: Klass, bundle: Bundle, tree: Tree) -> Draft:
    return Draft(
        klass,
        Action.TREE,
        bundle.path,
        bundle.hash,
        size=tree.size,
        blocks=tree.blocks,
        mtime_ns=tree.mtime_ns,
        files=tree.files,
        mark=tree.mark,
        risk=Risk.MEDIUM,
    )
