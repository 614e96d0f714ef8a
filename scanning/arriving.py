"""What a source's path is here: its hook, its rules and the place of roots in its account say so.

The tester, the examples, ``explain`` and ``scan --source`` ask here, and the answer is the one that hints get.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediasync.core.paths import normalise
from monitors.hints.notices import Notice, Source
from monitors.hints.translating import Places
from monitors.hooks.services import source_of
from monitors.models import Hook

from . import mapping
from .mapping import Rule, Step
from .models import PathMapping


@dataclass(frozen=True, slots=True)
class Arrived:
    """A path as it is here (None: nothing here, and ``code`` says why), the steps, and the rule that decided."""

    local: str | None
    steps: Sequence[Step]
    code: str = ""
    rule: Rule | None = None


class Arrivals:
    """One source with its hook, rules and roots, read once and asked often."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.hook = Hook.objects.filter(name=source).first()
        self._rules = mapping.for_source(source)
        self._places = Places(source_of(self.hook) if self.hook else Source(source))

    @property
    def known(self) -> bool:
        """Tell whether a hook or a rule is called like the source."""
        return self.hook is not None or PathMapping.objects.filter(space="source", source=self.source).exists()

    def arrive(self, path: str) -> Arrived:
        """Return what the source means by a path."""
        rule = self._rules.translate(path).rule
        steps = [step for step in self._rules.trace(path) if step.outcome in ("matched", "no_match")]
        said = self._places.find(Notice(path))
        if said is None or (isinstance(said, str) and said != "hint_root_off"):  # a root that is off says so itself
            return Arrived(None, [*steps, Step(said or "hint_unmatched", path)], said or "hint_unmatched", rule)
        local = self._places.local(path) or normalise(path)
        if rule is None:
            steps.append(Step("passed" if local == normalise(path) else "by_account", local))
        return Arrived(local, steps, rule=rule)


def arrive(path: str, source: str) -> Arrived:
    """Return what one source means by one path."""
    return Arrivals(source).arrive(path)


def sources() -> list[str]:
    """Return the sources that a hook or a rule is called like."""
    rows = PathMapping.objects.filter(space=PathMapping.Space.SOURCE).exclude(source="")
    return sorted({*rows.values_list("source", flat=True), *Hook.objects.values_list("name", flat=True)})
