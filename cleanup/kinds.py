"""The kinds of jobs of the clean-up; each of them is made beside its stages."""

from __future__ import annotations

from mediasync.jobs.registry import JobKind

from . import apply_kinds, housekeeping, plan_stages

KINDS: tuple[JobKind, ...] = (plan_stages.KIND, *apply_kinds.KINDS, housekeeping.KIND)
