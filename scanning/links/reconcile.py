"""Bring a batch of folders into step: load, write down what will be made, act, record.

Whatever dies in between is repaired by doing the batch again: a folder was written down before it was made, a right
link is adopted by its content, a link that is gone already counts as removed.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from mediasync.core.paths import join, to_bytes
from mediasync.jobs.choices import Level
from mediasync.jobs.registry import Context

from . import disk, store
from .batch import Work, load
from .builder import Builder
from .rules import RuleSpec
from .settle import Settled, Terms, new_links, settle
from .store import Place
from .tree import There, Tree, parent_of

FINE, COARSE = 20_000_000, 3_000_000_000  # ns: a folder that changed so recently could change again unseen
TOLD = 20  # problems of a batch that are events; the rest is only counted


def trusted(spec: RuleSpec, places: Iterable[Place]) -> tuple[list[Place], int]:
    """Return the folders that must be looked into, and the number of those that are proved to be right."""
    mark, top = spec.fingerprint, to_bytes(spec.target) + b"/"
    rest, right = [], 0
    for place in places:
        if place.mtime_ns and place.proof == proof_of(mark, place.signature):
            try:
                if os.lstat(top + to_bytes(place.path)).st_mtime_ns == place.mtime_ns:
                    right += 1
                    continue
            except OSError:
                pass
        rest.append(place)
    return rest, right


def proof_of(fingerprint: int, signature: int) -> int:
    """Return what a folder's links were right for: this rule and this listing."""
    return fingerprint ^ signature


def reconcile(
    spec: RuleSpec, places: Sequence[Place], ctx: Context, terms: Terms, builder: Builder
) -> tuple[Counter[str], Callable[[], None]]:
    """Make, repair and remove the links of these folders; return counts, and a function that writes the proofs.

    Call that after the next batch: a folder that changed a moment ago proves nothing yet.
    Raises OSError when the target cannot be written.
    """
    works = [work for work in load(spec, places) if work.wanted or work.rows or work.place.folder]
    if not works:
        return Counter(), lambda: None
    tree = Tree(spec.target)
    ids, missing = _write_down(spec, works, tree, ctx)
    fresh = _make(works, tree, missing, builder)
    done = [settle(spec, terms, tree, work, fresh.get(work.place.path)) for work in works]
    emptied = [work.place.path for work, settled in zip(works, done, strict=True) if settled.emptied]
    pruned = prune(spec, tree, emptied) if emptied else []
    _record(spec, works, done, ids, pruned, ctx)
    counts = Counter[str]()
    for settled in done:
        for what, count in settled.counts.items():
            counts[what] += count
    return counts, lambda: _prove(spec, works, done, tree, ids, ctx)


def _write_down(spec: RuleSpec, works: Sequence[Work], tree: Tree, ctx: Context) -> tuple[dict[str, int], list[str]]:
    """Write down the folders that hold links or have to be made for them; return the ids of all, and those to make."""
    ids = {work.place.path: work.place.folder for work in works if work.place.folder is not None}
    rows: dict[str, bool] = {work.place.path: False for work in works if work.wanted and work.place.path not in ids}
    missing: dict[str, bool] = {}
    for work in works:
        if work.wanted:
            missing |= dict.fromkeys(tree.missing(work.place.path), True)
    rows |= missing
    if rows:
        with ctx.transaction():
            ids |= store.put_folders(spec, rows)
    return ids, list(missing)


def _make(works: Sequence[Work], tree: Tree, missing: Sequence[str], builder: Builder) -> dict[str, Sequence[str]]:
    """Make folders with the links of those that have none; return those made, with the names that were not."""
    links = {work.place.path: new_links(work) for work in works}
    unmade, lost = builder.make([(path, links.get(path, [])) for path in missing])
    return {path: lost.get(number, ()) for number, path in enumerate(missing) if tree.learn(path, unmade.get(number))}


def prune(spec: RuleSpec, tree: Tree, paths: Iterable[str]) -> list[str]:
    """Remove folders that are empty and were made by us, upwards; never the target itself."""
    above: set[str] = set()
    for path in paths:
        while path and path not in above:
            above.add(path)
            path = parent_of(path)
    ours = store.made_folders(spec, above)
    gone = []
    for path in sorted(ours, key=lambda p: p.count("/"), reverse=True):
        if tree.look(path) is There.REAL and disk.prune(tree.place(path), spec.id):
            gone.append(path)
    for path in gone:
        tree.forget(path)
    return gone


def _record(
    spec: RuleSpec,
    works: Sequence[Work],
    done: Sequence[Settled],
    ids: dict[str, int],
    pruned: Sequence[str],
    ctx: Context,
) -> None:
    links = [(ids[work.place.path], row) for work, settled in zip(works, done, strict=True) for row in settled.rows]
    with ctx.transaction():
        store.put_links(links, ctx.now())
        store.forget_made(spec, pruned)
    problems = [
        (code, join(work.place.path, name) if work.place.path else name)
        for work, settled in zip(works, done, strict=True)
        for code, name in settled.problems
    ]
    for code, path in problems[:TOLD]:
        ctx.log(code, Level.WARNING, path=join(spec.target, path))
    if len(problems) > TOLD:
        ctx.log("link_more_problems", Level.WARNING, count=len(problems) - TOLD)


def _prove(
    spec: RuleSpec, works: Sequence[Work], done: Sequence[Settled], tree: Tree, ids: dict[str, int], ctx: Context
) -> None:
    proofs = [(mtime_ns, proof, ids[path]) for path, mtime_ns, proof in _proofs(spec, works, done, tree)]
    if proofs:
        with ctx.transaction():
            store.put_proofs(proofs)


def _proofs(
    spec: RuleSpec, works: Sequence[Work], done: Sequence[Settled], tree: Tree
) -> Iterable[tuple[str, int, int]]:
    """Yield the proofs that changed."""
    mark, now = spec.fingerprint, time.time_ns()
    for work, settled in zip(works, done, strict=True):
        place, mtime_ns, proof = work.place, 0, 0
        if settled.clean and place.directory is not None and place.signature and tree.look(place.path) is There.REAL:
            mtime_ns = _mtime_ns(tree.place(place.path))
            proof = proof_of(mark, place.signature)
            if now - mtime_ns < (FINE if mtime_ns % 1_000_000_000 else COARSE):
                mtime_ns = 0
        if (mtime_ns, proof) != (place.mtime_ns, place.proof) and (work.wanted or place.folder is not None):
            yield place.path, mtime_ns, proof


def _mtime_ns(folder: bytes) -> int:
    try:
        return os.lstat(folder).st_mtime_ns
    except FileNotFoundError:  # a person was faster
        return 0
