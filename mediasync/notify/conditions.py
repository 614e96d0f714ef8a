"""What is wrong *now*: looked at every few seconds, told to each rule once when it lasts, and again when it is well.

A look only reads. Comparing it with the rows of the last one finds what began and what ended, so nothing is missed
while nobody was running, and whatever goes wrong twice within its ``hold`` is one piece of news.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, transaction

from mediasync.jobs.outcomes import storable

from . import services
from .events import EVENTS
from .models import Condition, Rule
from .selectors import listening

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
    asked: dict[str, list[Rule]] = defaultdict(list)
    for rule in listening():
        for event in rule.events:
            asked[event].append(rule)
    Condition.objects.exclude(event__in=list(asked)).delete()  # nobody looked: it is not known whether they last
    for event in sorted(asked.keys() & _looks.keys()):
        try:
            found = {finding.key[:200]: finding for finding in _looks[event](now)}
            compare(event, found, asked[event], now)
        except DatabaseError as error:
            logger.warning("It cannot be seen whether there is news of %s: %s", event, error)
        except Exception:  # one look that fails does not stop the others
            logger.exception("It cannot be seen whether there is news of %s.", event)


def compare(event: str, found: Mapping[str, Finding], rules: Sequence[Rule], now: dt.datetime) -> None:
    """Tell these rules what is new, and what is over, against the rows of the last look."""
    known = {row.key: row for row in Condition.objects.filter(event=event)}
    fresh = [Condition(event=event, key=key, since=now, **_columns(found[key])) for key in found.keys() - known.keys()]
    Condition.objects.bulk_create(fresh, ignore_conflicts=True)
    for row in known.values():
        if row.key not in found:
            _over(row, rules, now)
    for row in Condition.objects.filter(event=event, key__in=list(found)):
        _goes_on(row, found[row.key], rules, now)


def _columns(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code[:100], "params": storable(dict(finding.params))}


def _goes_on(row: Condition, finding: Finding, rules: Sequence[Rule], now: dt.datetime) -> None:
    columns = _columns(finding)
    mine = Condition.objects.filter(pk=row.pk, code=row.code, told_code=row.told_code, told_rules=row.told_rules)
    if columns["code"] != row.code:
        mine.update(since=now, **columns)
        return
    if columns["params"] != row.params:
        mine.update(params=columns["params"])
    if now - row.since < dt.timedelta(seconds=EVENTS[row.event].hold):
        return
    knows = row.told_rules if row.told_code == row.code else []
    new = [rule for rule in rules if rule.pk not in knows]
    if new:
        with transaction.atomic():
            heard = [*knows, *(rule.pk for rule in new)]
            if mine.update(told_code=row.code, told_rules=heard):
                services.tell(row.event, columns["params"], now=now, rules=new)


def _over(row: Condition, rules: Sequence[Rule], now: dt.datetime) -> None:
    with transaction.atomic():
        gone = Condition.objects.filter(pk=row.pk).delete()[0]
        knows = [rule for rule in rules if rule.pk in row.told_rules]
        if gone and knows and EVENTS[row.event].over:
            services.tell(row.event, {**row.params, "over": True}, now=now, rules=knows)
