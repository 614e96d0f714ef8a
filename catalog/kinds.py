"""The kinds of jobs of the catalog: which stages follow one another in each."""

from __future__ import annotations

from mediasync.jobs.registry import JobKind

KINDS: tuple[JobKind, ...] = ()
