"""Look at local paths just before a server is told: is it there, is it gone, or can nobody tell?

A root that is down, or a look that raised, proves nothing (absence is not deletion); a server that scanned
below a dead mount would throw its items away. A root that lies nowhere on this machine is answered from its snapshot
and its guard as last recorded: a look would cost a request to its account.
"""

from __future__ import annotations

from collections.abc import Callable

from mediasync.core.paths import is_within
from monitors import guards, presence
from monitors.models import Root

from .models import LinkRule


class Unclear(Exception):
    """Nobody can tell now; the first argument is the code of the reason."""


class Sight:
    """Looks with the guards of the roots; each root is checked once, so make a new one for every round."""

    def __init__(self, check: Callable[[Root], guards.Verdict] = guards.check) -> None:
        self._check = check
        self._verdicts: dict[int, guards.Verdict] = {}
        self._seen: dict[str, bool] = {}
        self._there: dict[str, bool] = {}
        tops = [(root.path, root) for root in Root.objects.all()]
        tops += [(rule.target, rule.root) for rule in LinkRule.objects.select_related("root")]
        self._tops = sorted(tops, key=lambda top: -len(top[0]))

    def verdict(self, local: str) -> guards.Verdict:
        """Return how the root of a path looks now; a path in no root is believed."""
        root = next((root for top, root in self._tops if is_within(local, top)), None)
        if root is None:
            return guards.Verdict()
        if not root.mounted:
            return guards.Verdict(root.guard, root.guard_code, root.guard_params)
        if root.pk not in self._verdicts:
            self._verdicts[root.pk] = self._check(root)
        return self._verdicts[root.pk]

    def verdict_of_all(self, local: str) -> guards.Verdict:
        """Return the worst of what is known of the roots above and in a folder, for who looks through all of it.

        Held removals count here, though the disk looks fine: such a look would carry them out.
        """
        inside = {root.pk: (top, root) for top, root in self._tops if root.enabled and is_within(top, local)}
        above = next(((top, root) for top, root in self._tops if is_within(local, top)), None)
        found = [self._with_held(top, root) for top, root in (*([above] if above else []), *inside.values())]
        return next(
            (each for each in found if each.down), next((each for each in found if not each.ok), guards.Verdict())
        )

    def _with_held(self, top: str, root: Root) -> guards.Verdict:
        verdict = self.verdict(top)
        if verdict.ok and root.guard == Root.Guard.SUSPECT and root.guard_code in guards.ABOUT_REMOVALS:
            return guards.Verdict(root.guard, root.guard_code, root.guard_params)
        return verdict

    def is_folder(self, local: str) -> bool:
        """Tell whether a folder is there; raises Unclear if its absence proves nothing."""
        if local not in self._seen:
            self._seen[local] = self._look(local)
        return self._seen[local]

    def exists(self, local: str) -> bool:
        """Tell whether anything is there; raises Unclear if its absence proves nothing."""
        self.is_folder(local)
        return self._there[local]

    def _look(self, local: str) -> bool:
        verdict = self.verdict(local)
        if verdict.down:
            raise Unclear(verdict.code)
        try:
            found = presence.is_folder(local)
        except OSError:
            raise Unclear("unreadable") from None
        if found is None and not verdict.ok:
            raise Unclear(verdict.code)
        self._there[local] = found is not None
        return bool(found)
