"""Kinds of jobs for tests that only ask for jobs and never run them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mediasync.jobs import registry
from mediasync.jobs.registry import JobKind, Stage
from monitors import held_stage, scopes


class Nothing(Stage):
    name = "nothing"


CRAWL = JobKind(
    "crawl", "Crawl", (Nothing(),), lanes=scopes.root_lane, title=scopes.crawl_title, check_scope=scopes.check_crawl
)
HELD = JobKind(
    "held",
    "Held removals",
    (held_stage.Held(),),
    lanes=scopes.root_lane,
    title=scopes.held_title,
    check_scope=held_stage.check_held,
)


@contextmanager
def only_crawl() -> Iterator[None]:
    """Let there be "crawl", whose stage cannot be run, and "held", and no "sync"."""
    with registry.registered():
        registry._kinds.clear()
        registry.register(CRAWL)
        registry.register(HELD)
        yield
