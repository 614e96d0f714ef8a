"""What a feature tells the engine: kinds of jobs, their stages, and the sentences for their codes.

A feature registers from ``AppConfig.ready()``::

    registry.register(JobKind(name="crawl", label=_("Crawl"), stages=(Crawl(),), lanes=lanes, texts=TEXTS))

The engine never names a feature. A second kind of the same name, a stage twice in one kind or a code with two
sentences raise at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from django_stubs_ext import StrOrPromise

from .choices import Effect, LaneMode, Level, OnError

Text = StrOrPromise
JSON = Any  # what json.dumps takes


@dataclass(frozen=True, slots=True)
class Lane:
    """``key`` with a capacity in the settings ("root:7" → "root:*"); ``*`` exclusive is the whole engine."""

    key: str
    mode: LaneMode = LaneMode.SHARED


@dataclass(frozen=True, slots=True)
class JobInfo:
    """What a stage may know of its job; a copy, not the row."""

    id: int
    kind: str
    scope: Mapping[str, Any]
    config: Mapping[str, Any]
    trigger: str
    actor: str


@dataclass(frozen=True, slots=True)
class NewItem:
    """One item that ``plan`` found. ``key`` is unique in the stage, so that planning twice is harmless."""

    key: str
    payload: JSON = None
    group: str = ""
    group_label: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A block of items, and the cursor from which planning goes on if this process dies after it."""

    items: Sequence[NewItem]
    cursor: JSON = None


@dataclass(frozen=True, slots=True)
class ItemInfo:
    """What a stage is given for one item. ``cursor`` is what it saved at its last checkpoint."""

    id: int
    key: str
    payload: JSON
    cursor: JSON
    attempt: int  # 1 for the first run
    crashes: int
    force: bool
    idem_key: str


@dataclass(frozen=True, slots=True)
class Done:
    """The item succeeded. Numbers in ``result`` are summed up into ``Stage.result``."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was nothing to do, and why (a code)."""

    reason: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """For ``run_batch`` only: this item raised ``error``, the others of the batch did not."""

    error: Exception


Outcome = Done | Skipped | Failed


class Context(Protocol):
    """What the engine lends to a running item. Nothing of django_q, nothing to import."""

    job: JobInfo

    def now(self) -> Any:
        """Return the time (aware, UTC) of the engine's clock."""

    @property
    def stopping(self) -> bool:
        """True once a pause, a cancel or a shutdown was asked for."""

    def checkpoint(self, cursor: JSON = None) -> None:
        """Say "it would be safe to stop here", with the cursor to go on from; raises Stop if asked to."""

    def transaction(self, cursor: JSON = None) -> AbstractContextManager[None]:
        """Open a transaction that is fenced by the job's epoch; ``cursor`` is saved in it.

        Raises LostLease (and rolls back) if another worker owns the job by now.
        """

    def progress(self, text: str = "", *, bytes_per_second: float = 0.0, **numbers: float) -> None:
        """Say what is being done now. Cheap: only remembered, and written at most once a second."""

    def log(self, code: str, level: Level = Level.INFO, **params: Any) -> None:
        """Write an Event (batched)."""


class Stage:
    """One step of a kind. Subclass, set the attributes, write ``plan`` and ``run`` (or ``run_batch``).

    ``run`` is called in a thread; it may read the database, and writes to it only inside ``ctx.transaction()``.
    It returns an Outcome or raises from ``core.errors``: Transient is tried again with back-off, Permanent fails the
    item, Snooze puts the job to sleep, NeedsOperator pauses it. Any other exception counts as Transient once, then
    as Permanent.
    """

    name: str = ""
    label: Text = ""
    effect: Effect = Effect.IDEMPOTENT
    workers: int = 1  # threads; ``workers_for`` may say otherwise for one job
    batch: int = 1  # items given to one call of ``run_batch``
    attempts: int = 5
    on_error: OnError = OnError.CONTINUE
    stop_after: int = 0

    def workers_for(self, job: JobInfo) -> int:
        """Return the number of threads for this job."""
        return self.workers

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        """Yield the items block by block; ``cursor`` is that of the last block that was saved, or None."""
        raise NotImplementedError

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        """Do one item."""
        raise NotImplementedError

    def run_batch(self, items: Sequence[ItemInfo], ctx: Context) -> Sequence[Outcome]:
        """Do several items at once and return their outcomes in order (only used when ``batch`` > 1)."""
        raise NotImplementedError

    def verify(self, item: ItemInfo, ctx: Context) -> Outcome | None:
        """For ``effect = VERIFY``: look whether an interrupted item was done; None means "do it again"."""
        return None


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job.

    ``lanes(scope)`` names what it must not share; ``precondition(scope)`` returns None, or the code (and params) why
    it cannot start just now; ``title(scope)`` returns the code and params of its title; ``check_scope(scope)``
    normalises a scope that came from outside or raises UsageError; ``form`` is the dotted path of a Django form whose
    ``cleaned_data`` becomes the scope; ``permission`` is needed to start it, and those of ``rights(scope)`` for a scope
    that asks for more; ``heavy`` kinds never take the last free worker; ``summary(job)`` turns the
    sums of the stages into lines for people.
    """

    name: str
    label: Text
    stages: tuple[Stage, ...]
    lanes: Callable[[Mapping[str, Any]], Sequence[Lane]] = lambda scope: ()
    precondition: Callable[[Mapping[str, Any]], tuple[str, Mapping[str, Any]] | None] = lambda scope: None
    title: Callable[[Mapping[str, Any]], tuple[str, Mapping[str, Any]]] | None = None
    check_scope: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    form: str = ""
    permission: str = "jobs.add_job"
    rights: Callable[[Mapping[str, Any]], Sequence[str]] = lambda scope: ()
    heavy: bool = False
    texts: Mapping[str, Text] = field(default_factory=dict)

    def allows(self, user: Any, scope: Mapping[str, Any] | None = None) -> bool:
        """Tell whether ``user`` may start it, with this scope if one is given."""
        return bool(user.has_perms([self.permission, *(self.rights(scope) if scope is not None else ())]))

    def stage(self, name: str) -> Stage:
        """Return the stage called ``name`` (KeyError if there is none)."""
        return next(stage for stage in self.stages if stage.name == name)


_kinds: dict[str, JobKind] = {}
_texts: dict[str, Text] = {}


def register(kind: JobKind) -> None:
    """Make ``kind`` known; ValueError for a name, a stage or a sentence that is taken."""
    if kind.name in _kinds:
        raise ValueError(f"job kind {kind.name!r} is registered twice")
    names = [stage.name for stage in kind.stages]
    if not names or not all(names) or len(set(names)) != len(names):
        raise ValueError(f"job kind {kind.name!r}: its stages need names, each its own: {names}")
    register_texts(kind.texts)
    _kinds[kind.name] = kind


def register_texts(texts: Mapping[str, Text]) -> None:
    """Add sentences ("%(path)s" style, lazy) for codes of events, reasons, errors and titles."""
    for code, text in texts.items():
        if _texts.get(code, text) != text:
            raise ValueError(f"code {code!r} has two sentences")
        _texts[code] = text


def kind(name: str) -> JobKind:
    """Return the kind called ``name``; KeyError names those that exist."""
    try:
        return _kinds[name]
    except KeyError:
        raise KeyError(f"no job kind {name!r}; there are: {', '.join(sorted(_kinds)) or 'none'}") from None


def kinds() -> Sequence[JobKind]:
    """Return all kinds in the order of their names."""
    return [_kinds[name] for name in sorted(_kinds)]


def text(code: str, params: Mapping[str, Any] | None = None, *, default: str = "") -> str:
    """Return the sentence of a code in the language of now; if there is none, ``default``, or code and facts."""
    template = _texts.get(code)
    if template is None and default:
        return default
    if template is None:
        facts = ", ".join(f"{key}={value}" for key, value in (params or {}).items())
        return f"{code} ({facts})" if facts else code
    try:
        return str(template) % (params or {})
    except (KeyError, TypeError, ValueError):
        return f"{template} {dict(params or {})}"


@contextmanager
def registered(*extra: JobKind) -> Iterator[None]:
    """For tests: kinds that exist only inside the block."""
    saved = dict(_kinds), dict(_texts)
    try:
        for each in extra:
            register(each)
        yield
    finally:
        _kinds.clear()
        _texts.clear()
        _kinds.update(saved[0])
        _texts.update(saved[1])
