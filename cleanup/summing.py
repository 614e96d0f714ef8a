"""What a run's stored figures say together: what stayed and why, and how far the libraries have come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from .coverage import share
from .models import Run

SHOWN = ("http", "metadata", "upload", "media", "empty", "other")


class Line(NamedTuple):
    """One column of one library: counts and shares by what stands in it. ``was`` are the shares before the run."""

    library: str
    column: str
    items: int
    counts: dict[str, int]
    shares: dict[str, float]
    was: dict[str, float] | None

    @property
    def cells(self) -> list[str]:
        """Return the share of each of ``SHOWN`` as text, with what it was where that was another one."""
        found = []
        for name in SHOWN:
            now, before = f"{self.shares[name]:.0%}", f"{self.was[name]:.0%}" if self.was else ""
            found.append(f"{before} → {now}" if before not in ("", now) else now)
        return found


def kept(run: Run) -> dict[str, int]:
    """Return how many things were left alone, by the code of the reason; the most frequent first."""
    found: Counter[str] = Counter()
    for numbers in run.facts.get("parts", {}).values():
        found.update({name: number for name, number in numbers.items() if name.startswith(("kept_", "foreign_"))})
    return dict(found.most_common())


def table(coverage: Mapping[str, Any]) -> list[Line]:
    """Return the lines of a coverage (``{"before": …, "after": …}``) as it is now, each with what it was before."""
    before, after = coverage.get("before") or {}, coverage.get("after") or {}
    now = after if after.get("libraries") else before
    old = {
        (library["id"], column): counts
        for library in (before.get("libraries", ()) if now is after else ())
        for column, counts in library["columns"].items()
    }
    found = []
    for library in now.get("libraries", ()):
        for column, counts in library["columns"].items():
            was = old.get((library["id"], column))
            name = library["name"] or (f"#{library['id']}" if library["id"] else _("No library"))
            found.append(
                Line(name, column, library["items"], dict(counts), _shares(counts), _shares(was) if was else None)
            )
    return found


def lines_of_coverage(coverage: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table as lines; a column in which nothing stands is left out."""
    for line in table(coverage):
        if line.counts.get("empty", 0) == line.items:
            continue
        said = ", ".join(f"{name} {line.shares[name]:.0%}" for name in SHOWN if line.counts.get(name))
        was = f" (http {line.was['http']:.0%} →)" if line.was else ""
        yield f"{line.library} · {line.column}:{was} {said}"
    now = coverage.get("after") or coverage.get("before") or {}
    if "done" in now:
        left = ", ".join(f"{column} {number}" for column, number in now["left"].items())
        yield _("Done: every thumb and art is a web address.") if now["done"] else _("Not a web address yet: %s") % left


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    return {name: share(counts, name) for name in SHOWN}
