"""What becomes of an item: from what its stage returned or raised to the row that is written."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError

from mediasync.core.errors import LostLease, MediasyncError, NeedsOperator, Permanent, Snooze, Stop, Transient

from .choices import ItemState
from .registry import Done, Failed, ItemInfo, Outcome, Skipped, Stage

logger = logging.getLogger(__name__)

UNEXPECTED = "unexpected"
FIRST_DELAY = 10.0  # seconds, doubled with each attempt …
LONGEST_DELAY = 900.0  # … up to this
_encode = json.JSONEncoder(default=str, separators=(",", ":"), allow_nan=False).encode


@dataclass(slots=True)
class Claimed:
    """An item that this slice marked as running."""

    info: ItemInfo
    group_id: int | None
    error_code: str  # of the attempt before


@dataclass(slots=True)
class Result:
    """The new state of an item; texts of JSON columns are dumped already, None leaves ``cursor`` as it is."""

    item: Claimed
    state: ItemState
    attempt: int
    result: str | None = None
    numbers: dict[str, int | float] | None = None
    code: str = ""
    params: str | None = None
    not_before: dt.datetime | None = None
    cursor: str | None = None
    ending: MediasyncError | None = None  # Snooze, NeedsOperator or LostLease: the slice has to end
    transient: bool = False


def back_off(attempt: int) -> float:
    """Return seconds until the next attempt: 10, 20, 40 … 900, times 0.5 to 1.5 so that retries spread."""
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1))) * random.uniform(0.5, 1.5)


def dumps(value: Any) -> str:
    """Return JSON that both databases store: no NUL, no lone surrogate, no NaN, foreign objects as text."""
    try:
        text = _encode(value)
    except (TypeError, ValueError):
        return _encode(storable(value))
    if "\\u0000" in text or "\\ud" in text:  # the latter also begins every emoji
        text = _encode(storable(json.loads(text)))
    return text


def storable(value: Any) -> Any:
    """Return what is left of a value when everything that JSON or a database refuses is written as text."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(each) for key, each in value.items()}
    return value if value is None or isinstance(value, bool | int) else storable(str(value))


def untouched(item: Claimed, cursor: Any = None) -> Result:
    """The item goes back to where it was; this was no attempt."""
    saved = None if cursor is None else dumps(cursor)
    return Result(item, ItemState.PENDING, max(0, item.info.attempt - 1), cursor=saved, code=item.error_code)


def settle(item: Claimed, what: Outcome | BaseException, *, stage: Stage, now: dt.datetime) -> Result:
    """Turn an outcome or an error into the row to be written."""
    if isinstance(what, Failed):
        what = what.error
    if isinstance(what, Done):
        return _succeeded(item, what)
    if isinstance(what, Skipped):
        params = dumps(dict(what.params)) if what.params else None
        return Result(item, ItemState.SKIPPED, item.info.attempt, code=what.reason[:100], params=params)
    if isinstance(what, Stop):
        return untouched(item)
    if isinstance(what, Snooze | NeedsOperator | LostLease):
        back = untouched(item)
        back.ending = what
        return back
    if isinstance(what, BaseException):
        return _raised(item, what, stage=stage, now=now)
    return _raised(item, TypeError(f"a stage must return an Outcome, not {what!r}"), stage=stage, now=now)


def _succeeded(item: Claimed, what: Done) -> Result:
    if not what.result:
        return Result(item, ItemState.SUCCEEDED, item.info.attempt)
    numbers = {key: value for key, value in what.result.items() if type(value) in (int, float) and math.isfinite(value)}
    return Result(item, ItemState.SUCCEEDED, item.info.attempt, result=dumps(dict(what.result)), numbers=numbers)


def _raised(item: Claimed, error: BaseException, *, stage: Stage, now: dt.datetime) -> Result:
    code, again, wait = _judge(item, error)
    code = code[:100]
    params = dumps({"message": str(error), **getattr(error, "params", {})})
    attempt = item.info.attempt - (0 if getattr(error, "tried", True) else 1)  # it waits for what others did
    if again and attempt < stage.attempts:
        delay = back_off(item.info.attempt) if wait is None else wait
        later = now + dt.timedelta(seconds=delay)
        return Result(item, ItemState.RETRY_WAIT, attempt, code=code, params=params, not_before=later, transient=True)
    return Result(item, ItemState.FAILED, item.info.attempt, code=code, params=params, transient=again)


def _judge(item: Claimed, error: BaseException) -> tuple[str, bool, float | None]:
    """Return the code, whether trying again may help, and the seconds that the other side asked for."""
    if isinstance(error, Transient):
        return error.code, True, error.retry_after
    if isinstance(error, Permanent):
        return error.code, False, None
    if isinstance(error, OperationalError | InterfaceError):
        return "database_busy", True, None
    logger.error("item %s: %s", item.info.key, error, exc_info=error)
    if isinstance(error, MediasyncError):
        return error.code, False, None
    return UNEXPECTED, item.error_code != UNEXPECTED, None
