"""What is wrong *now*: looked at every few seconds, told once when it lasts, and told again when it is well.

A look only reads. Comparing it with the rows of the last one finds what began and what ended, so nothing is missed
while nobody was running, and whatever goes wrong twice within its ``hold`` is one piece of news.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, transaction

from mediasync.jobs.outcomes import storable

from . import services
from .events import EVENTS
from .models import Condition
from .selectors import wanted

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """``key`` says what is wrong, ``code`` in what way; another code is news, other ``params`` are not."""

    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    code: str = "yes"


Look = Callable[[dt.datetime], Iterable[Finding]]
_looks: dict[str, Look] = {}


def register(event: str, look: Look) -> None:
    """Say how to see what is wrong now; KeyError for an unknown event."""
    EVENTS[event]
    _looks[event] = look


def look(now: dt.datetime) -> None:
    """Look at everything that a rule wants to know."""
    asked = wanted()
    Condition.objects.exclude(event__in=asked).delete()  # nobody looked: it is not known whether they last
    for event in sorted(asked & _looks.keys()):
        try:
            found = {finding.key[:200]: finding for finding in _looks[event](now)}
            compare(event, found, now)
        except DatabaseError as error:
            logger.warning("It cannot be seen whether there is news of %s: %s", event, error)
        except Exception:  # one look that fails does not stop the others
            logger.exception("It cannot be seen whether there is news of %s.", event)


def compare(event: str, found: Mapping[str, Finding], now: dt.datetime) -> None:
    """Tell what is new, and what is over, against the rows of the last look."""
    known = {row.key: row for row in Condition.objects.filter(event=event)}
    fresh = [Condition(event=event, key=key, since=now, **_columns(found[key])) for key in found.keys() - known.keys()]
    Condition.objects.bulk_create(fresh, ignore_conflicts=True)
    for row in known.values():
        if row.key not in found:
            _over(row, now)
    for row in Condition.objects.filter(event=event, key__in=list(found)):
        _goes_on(row, found[row.key], now)


def _columns(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code[:100], "params": storable(dict(finding.params))}


def _goes_on(row: Condition, finding: Finding, now: dt.datetime) -> None:
    columns = _columns(finding)
    mine = Condition.objects.filter(pk=row.pk, code=row.code, told_code=row.told_code)
    if columns["code"] != row.code:
        mine.update(since=now, **columns)
        return
    if columns["params"] != row.params:
        mine.update(params=columns["params"])
    if row.told_code != row.code and now - row.since >= dt.timedelta(seconds=EVENTS[row.event].hold):
        with transaction.atomic():
            if mine.update(told_code=row.code):
                services.tell(row.event, columns["params"], now=now)


def _over(row: Condition, now: dt.datetime) -> None:
    with transaction.atomic():
        gone = Condition.objects.filter(pk=row.pk).delete()[0]
        if gone and row.told_code and EVENTS[row.event].over:
            services.tell(row.event, {**row.params, "over": True}, now=now)
