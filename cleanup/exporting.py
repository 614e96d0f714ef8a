"""The rows of a run as CSV or JSON, line by line: a plan may have half a million."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from mediasync.core.paths import for_people

from .models import PlanRow

NAMES = (
    *("id", "klass", "action", "outcome", "reason", "risk", "base", "path", "bundle", "files", "size", "blocks"),
    *("nlink", "item", "section", "title", "column", "old", "new", "proof", "sha1", "done_at"),
)
RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would calculate with it
CHUNK = 2000


def as_csv(rows: QuerySet[PlanRow]) -> Iterator[str]:
    """Yield a table with English names of columns; paths as people read them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(NAMES)
    for number, values in enumerate(rows.values_list(*NAMES).iterator(chunk_size=CHUNK), 1):
        writer.writerow([_cell(value) for value in values])
        if number % 200 == 0:
            yield _taken(out)
    yield _taken(out)


def as_json(rows: QuerySet[PlanRow]) -> Iterator[str]:
    """Yield one list of objects; paths are stored text, so that nothing of a name is lost."""
    yield "["
    for number, values in enumerate(rows.values_list(*NAMES).iterator(chunk_size=CHUNK)):
        document = dict(zip(NAMES, values, strict=True))
        yield (",\n" if number else "\n") + json.dumps(document, default=str)
    yield "\n]\n"


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = for_people(value)
    return f"'{text}" if text.startswith(RISKY) else text


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text
