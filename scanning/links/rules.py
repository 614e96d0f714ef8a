"""A LinkRule with its root as plain values, read once for a run."""

from __future__ import annotations

import hashlib
import os
from dataclasses import astuple, dataclass, replace

from mediasync.core.paths import join, to_bytes, to_text
from scanning.models import LinkRule

COMPANION_KINDS = ("subtitle", "image", "metadata")


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What a folder's links depend on. ``root`` and ``target`` are absolute stored text."""

    id: int
    root_id: int
    root: str
    target: str
    mode: str
    strm_body: str
    kinds: frozenset[str]
    minimum_size: int
    companions: str
    collision: str
    discs: str
    trash_days: int
    real_root: str = ""  # without links in it; only for relative links
    real_target: str = ""
    mounted: bool = True  # False: what it links to is nowhere on this machine

    @classmethod
    def of(cls, rule: LinkRule) -> RuleSpec:
        """Return the values of a rule (its root is read too)."""
        spec = cls(
            id=rule.pk,
            root_id=rule.root_id,
            root=rule.root.path,
            target=rule.target,
            mode=rule.mode,
            strm_body=rule.strm_body or "{path}",
            kinds=frozenset(rule.kinds) or frozenset({"video"}),
            minimum_size=rule.minimum_size,
            companions=rule.companions,
            collision=rule.collision,
            discs=rule.discs,
            trash_days=rule.trash_days,
            mounted=rule.root.mounted,
        )
        if rule.mode != LinkRule.Mode.RELATIVE:
            return spec
        return replace(spec, real_root=real(rule.root.path), real_target=real(rule.target))

    @property
    def companion_kinds(self) -> frozenset[str]:
        """The kinds that come along with a linked file ("" has no kind and never does)."""
        if self.companions == LinkRule.Companions.LEAVE:
            return frozenset()
        return frozenset(COMPANION_KINDS) - self.kinds

    @property
    def fingerprint(self) -> int:
        """A number that changes with everything that decides what a right link is."""
        values = [sorted(v) if isinstance(v, frozenset) else v for v in astuple(self)[1:]]
        return int.from_bytes(hashlib.blake2b(repr(values).encode(), digest_size=8).digest(), "big", signed=True)

    def source(self, folder: str, name: str) -> str:
        """Return the absolute path of a source."""
        return join(join(self.root, folder), name)

    def place(self, folder: str) -> bytes:
        """Return the folder of the target as the system wants it."""
        return to_bytes(join(self.target, folder))


def real(path: str) -> str:
    """Return the path without symbolic links in it, as stored text."""
    return to_text(os.path.realpath(to_bytes(path)))
