"""What a kind of account is. A new one is one file and one line in ``accounts.KINDS``.

Errors are those of ``core.errors``: AccessDenied for credentials, Unreachable and Transient (``retry_after``) for what
passes, Permanent for the rest. Whoever asks the other side goes through ``limits`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from monitors.guards import Verdict
    from monitors.models import Account, Root


@dataclass(frozen=True, slots=True)
class Field:
    """One option of a kind, as the admin's form asks for it; a secret is sealed and never shown again."""

    name: str
    label: Any  # lazy text
    help: Any = ""
    kind: Literal["text", "long", "bool", "path", "choice"] = "text"
    secret: bool = False
    default: Any = ""
    choices: Sequence[tuple[str, Any]] = ()
    place: bool = False  # secrets go there: when it changes, they are to be entered again


@dataclass(frozen=True, slots=True)
class AccountKind:
    """``None`` stands for what a kind cannot do."""

    name: str
    fields: Sequence[Field]
    per_second: float  # requests, unless the account says otherwise
    probe: Callable[[Account], Mapping[str, Any]]  # ask it; what it says of itself (version, user …) → Account.facts
    check: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict  # options and secrets → cleaned, or UsageError
    # Have the folder ``below`` (stored text, below the root) read anew by what serves the mount; climb if need be.
    nudge: Callable[[Root, str], None] | None = None
    # Its mount shows folders as they were for a while: those that a crawl is asked for are nudged before.
    remembers: bool = False
    # What the other side says of the mount of a root; None: nothing. It may only make a guard worse, never better.
    mount_state: Callable[[Root], Verdict | None] | None = None
