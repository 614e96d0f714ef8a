"""What an explanation is made of: steps, each with its time, and the sentences what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mediasync.core.paths import for_people
from mediasync.jobs import registry

Tone = Literal["ok", "bad", "warn", "busy", "rest", "idle"]  # as mediasync.ui.render has them


@dataclass(frozen=True, slots=True)
class Said:
    """A code of ``texts.py`` (or of another app) with its facts; strings among them are stored text."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence, in the language of now."""
        return registry.text(self.code, {name: _plain(value) for name, value in self.params.items()})


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was looked at on the way. ``row`` is where it stands: a table ("monitors.Change") and an id."""

    stage: str  # arrived, root, disk, filter, snapshot, hint, change, link, server, rule, library, unit, request
    said: Said
    tone: Tone = "idle"
    at: dt.datetime | None = None
    row: tuple[str, int] | None = None

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"stage": self.stage, "code": self.said.code, "tone": self.tone, "text": self.said.text}
        found |= {"at": self.at.isoformat() if self.at else None, "params": _json(self.said.params)}
        return found | {"row": {"table": self.row[0], "id": self.row[1]} if self.row else None}


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do. ``instead`` is another path (and source) to explain; ``stops``: later steps are of no use until then.
    ``late``: what else is to be done comes first.

    ``page`` names the admin's page that helps: a table, and an id or None for its list.
    """

    said: Said
    page: tuple[str, int | None] | None = None
    instead: tuple[str, str] | None = None
    stops: bool = False
    late: bool = False

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"code": self.said.code, "text": self.said.text, "params": _json(self.said.params)}
        return found | ({"path": self.instead[0], "source": self.instead[1]} if self.instead else {})


@dataclass(slots=True)
class Part:
    """A stretch of the way: steps, and what to do about them."""

    steps: list[Step] = field(default_factory=list)
    todo: list[Advice] = field(default_factory=list)

    def add(
        self,
        stage: str,
        code: str,
        tone: Tone = "idle",
        *,
        at: dt.datetime | None = None,
        row: tuple[str, int] | None = None,
        **params: Any,
    ) -> None:
        """Add a step."""
        self.steps.append(Step(stage, Said(code, params), tone, at, row))

    def advise(
        self,
        code: str,
        *,
        page: tuple[str, int | None] | None = None,
        instead: tuple[str, str] | None = None,
        stops: bool = False,
        late: bool = False,
        **params: Any,
    ) -> None:
        """Add what to do."""
        self.todo.append(Advice(Said(code, params), page, instead, stops, late))

    def join(self, other: Part) -> None:
        """Add the steps and the advice of another part."""
        self.steps += other.steps
        self.todo += other.todo

    @property
    def stopped(self) -> bool:
        return any(each.stops for each in self.todo)


@dataclass(frozen=True, slots=True)
class ServerPart:
    """The way to one server. ``state``: how the newest request for the path stands, "" if there is none."""

    name: str
    kind: str
    pk: int
    part: Part
    asks: str = ""
    state: str = ""

    def as_json(self) -> dict[str, Any]:
        steps = [step.as_json() for step in self.part.steps]
        return {"server": self.name, "kind": self.kind, "asks": self.asks, "state": self.state, "steps": steps}


@dataclass(frozen=True, slots=True)
class Explained:
    """The whole way of a path. ``todo`` is never empty: its first sentence is the answer."""

    path: str
    source: str
    local: str | None
    steps: Sequence[Step]
    servers: Sequence[ServerPart]
    todo: Sequence[Advice]

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "source": self.source,
            "local": self.local,
            "steps": [step.as_json() for step in self.steps],
            "servers": [each.as_json() for each in self.servers],
            "todo": [each.as_json() for each in self.todo],
        }


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """Return the sentence of a code; "" if its facts are no longer known."""
    text = registry.text(code, params) if code else ""
    return "" if "%(" in text else text


def _plain(value: Any) -> Any:
    return for_people(value) if isinstance(value, str) else value


def _json(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, (int, float, bool, str)) else str(value) for name, value in params.items()}
