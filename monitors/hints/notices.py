"""What a source says, before anything is made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

What = Literal["upsert", "delete"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something is, or is no longer, at ``path``: absolute stored text in the name space of the source.

    A rename is two notices with the same ``group``: the old path deleted, the new one upserted.
    """

    path: str
    change: What = "upsert"
    is_dir: bool | None = None  # None: the source does not say
    distrusted: bool = False  # a removal that the sender may be wrong about: what follows is held
    group: str = ""
    local: bool = False  # ``path`` is one of this machine already: nothing translates it

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data; ``Notice(**data)`` is the way back."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Source:
    """Who says it. ``name`` chooses the mapping rules; ``kind`` the default debounce (hints.DEBOUNCE)."""

    name: str
    kind: str = ""
    account_id: int | None = None  # its roots translate paths of the account (Root.remote_path)
    unmatched: str = "pass"  # Hook.Unmatched
    debounce: float | None = None  # seconds; None: as the kind
    max_wait: float | None = None
    wait_for_file: bool = True
