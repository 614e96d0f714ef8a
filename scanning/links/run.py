"""The items of the link stage: a block of changes, a block of folders, strays, the end of a build."""

from __future__ import annotations

import datetime as dt
import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.utils import timezone

from mediasync.core.errors import NeedsOperator, Permanent, Transient
from mediasync.core.paths import to_bytes
from mediasync.jobs.choices import ItemState, Level
from mediasync.jobs.models import Item
from mediasync.jobs.registry import Context
from monitors import guards
from monitors.models import Change, Root
from scanning.models import Link, LinkFolder, LinkRule

from . import moves, places, store, trash
from .builder import Builder
from .reconcile import reconcile, trusted
from .rules import RuleSpec
from .settle import Terms
from .store import Place

FULL = (errno.ENOSPC, errno.EDQUOT)
BATCH = 500
KEEP_ROWS = dt.timedelta(days=30)  # of links that are gone


class Run:
    """One item: reads the rule once, checks the guard once, and counts what it does."""

    def __init__(
        self, rule: LinkRule, spec: RuleSpec, ctx: Context, check: Callable[[Root], guards.Verdict] = guards.check
    ) -> None:
        self.rule, self.spec, self.ctx = rule, spec, ctx
        self._check = check
        self.counts: Counter[str] = Counter()

    def changes(self, first: int, last: int) -> dict[str, int]:
        """Follow a block of changes, then call them linked."""
        self._look_at_target()
        without = () if self._may_remove() else (Change.Kind.REMOVED, Change.Kind.MOVED)
        rows = places.changes_between(self.spec, first, last, without)
        moved = frozenset(row.old_path for row in rows if row.kind == Change.Kind.MOVED)
        with self._target():
            if not without:
                self.counts["moved"] += moves.move_folders(self.spec, rows, self.ctx)
            found = store.places_named(self.spec, places.concerned(self.spec, rows))
            self._reconcile(found, may_remove=not without, moved=moved)
        self._linked([row.id for row in rows])
        return self._result()

    def folders(self, first: int, last: int, *, remove: bool) -> dict[str, int]:
        """Look at a block of folders of the snapshot; one whose proof holds costs one lstat."""
        with self._target():
            rest, _right = trusted(self.spec, store.places_between(self.spec, first, last))
            self.counts["folders_right"] += _right
            self._reconcile(rest, may_remove=remove and self._may_remove())
        return self._result()

    def strays(self, *, remove: bool) -> dict[str, int]:
        """Look at folders of ours that the snapshot does not have any more."""
        with self._target():
            self._reconcile(store.strays(self.spec), may_remove=remove and self._may_remove())
        return self._result()

    def built(self) -> None:
        """End the first complete pass: what changed until now is in it, from now on changes are followed."""
        failed = Item.objects.filter(stage__job=self.ctx.job.id, stage__name="link", state=ItemState.FAILED)
        if failed.exclude(error_code="link_collision").exists():  # those are told, and stay what they are
            raise Permanent("Some folders could not be linked.", code="link_build_incomplete")
        rows = Change.objects.filter(root_id=self.spec.root_id, state=Change.State.NEW)
        if not self._may_remove():
            rows = rows.exclude(kind__in=(Change.Kind.REMOVED, Change.Kind.MOVED))
        with self.ctx.transaction():
            rows.update(state=Change.State.LINKED)
            LinkRule.objects.filter(pk=self.rule.pk).update(built_at=self.ctx.now())

    def purge(self) -> None:
        """Empty the trash of old days, forget links that are long gone."""
        now = self.ctx.now()
        gone = Link.objects.filter(folder__rule=self.rule)
        if self.spec.trash_days:
            before = now - dt.timedelta(days=self.spec.trash_days)
            with self._target():
                trash.purge(to_bytes(self.spec.target), before.date())
            with self.ctx.transaction():
                trashed = gone.filter(state=Link.State.TRASHED, changed_at__lt=before)
                trashed.update(state=Link.State.REMOVED, changed_at=now)
        with self.ctx.transaction():
            gone.filter(state=Link.State.REMOVED, changed_at__lt=now - KEEP_ROWS).delete()

    def _reconcile(self, found: Sequence[Place], *, may_remove: bool, moved: frozenset[str] = frozenset()) -> None:
        terms = Terms(may_remove, timezone.localdate(self.ctx.now()), moved)
        prove: Callable[[], None] | None = None
        with Builder(to_bytes(self.spec.target)) as builder:
            for start in range(0, len(found), BATCH):
                counts, later = reconcile(self.spec, found[start : start + BATCH], self.ctx, terms, builder)
                if prove:
                    prove()
                prove = later
                self.counts.update(counts)
                self.ctx.progress(self.spec.target, folders=start + BATCH, **self.counts)
                self.ctx.checkpoint()
        if prove:
            prove()

    def _linked(self, ids: Sequence[int]) -> None:
        with self.ctx.transaction():
            for chunk in store.chunks(ids):
                Change.objects.filter(pk__in=chunk, state=Change.State.NEW).update(state=Change.State.LINKED)

    def _may_remove(self) -> bool:
        """Tell whether the root is to be believed about what is missing: what its rows say, and a look at it now."""
        root = Root.objects.get(pk=self.spec.root_id)
        reason = root.guard_code if root.guard != Root.Guard.OK else ""
        if root.guard == Root.Guard.OK:
            verdict = self._check(root)
            if verdict.ok:
                return True
            reason = verdict.code
        self.ctx.log("link_removals_wait", Level.WARNING, reason=reason)
        return False

    def _look_at_target(self) -> None:
        """Refuse to build anew in the mount point of a disk that went away; a full pass may."""
        if not LinkFolder.objects.filter(rule=self.rule, links__state=Link.State.OK).exists():
            return
        path = self.spec.target
        try:
            with os.scandir(to_bytes(path)) as entries:
                empty = next(entries, None) is None
        except FileNotFoundError:
            raise Transient(f"The folder of the links is gone: {path}", code="link_target_missing", path=path) from None
        if empty:
            raise Transient(f"The folder of the links is empty: {path}", code="link_target_empty", path=path)

    @contextmanager
    def _target(self) -> Iterator[None]:
        """Turn errors of the target into "try again later", a full disk into a rest until a person has acted."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                path = self.spec.target
                raise NeedsOperator(f"No space left on {path}.", code="link_target_full", path=path) from error
            text = f"{errno.errorcode.get(error.errno or 0, 'error')}: {error.strerror or error}"
            raise Transient(text, code="link_target_unwritable", error=text) from error

    def _result(self) -> dict[str, int]:
        if self.counts["conflicts"] and self.spec.collision == LinkRule.Collision.ERROR:
            count = self.counts["conflicts"]
            raise Permanent(f"{count} places are taken.", code="link_collision", count=count)
        return {key: count for key, count in self.counts.items() if count}
