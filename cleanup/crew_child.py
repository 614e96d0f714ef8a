"""A process that plans units for another one, as one process can use one core only. It reads, and writes nothing.

What it is told comes by its standard input, and when that ends it ends at once, whatever it is doing. Started as a
file, without Django's settings: nothing on the way from a unit to its drafts needs them.
"""

from __future__ import annotations

import gc
import json
import marshal
import os
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import IO, Any

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from cleanup import policy, reading, store_rows
from cleanup.choices import Klass
from cleanup.planning import Found, Planner, Unit
from cleanup.plexdata.places import Data
from cleanup.steps import Work
from mediasync.core.errors import MediasyncError, Permanent

IDLE = 60.0  # seconds without a task after which it ends: its master may have gone on elsewhere
RARELY = (100_000, 20, 20)  # when garbage is looked for: nearly nothing here refers to itself
Tell = SimpleQueue[Any]


def send(outlet: IO[bytes], value: Any) -> None:
    """Write a value: its length in four bytes, then marshal."""
    data = marshal.dumps(value)
    outlet.write(len(data).to_bytes(4, "little") + data)
    outlet.flush()


def receive(inlet: IO[bytes]) -> Any:
    """Read a value; None at the end."""
    head = inlet.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "little")
    data = inlet.read(size)
    return marshal.loads(data) if len(data) == size else None


def setting(planner: Planner, copy: str) -> str:
    """Return what a child makes the same planner of; ``copy`` is the path of the copy of the database, "" for none."""
    data = planner.data
    facts: dict[str, Any] = {
        "data": [data.root, data.database, data.cache, data.lacks],
        "policy": policy.stored(planner.policy),
        "now_ns": planner.now_ns,
        "sections": sorted(planner.sections),
        "host": planner.host,
        "asks": planner.ask is not None,
        "copy": copy,
    }
    return json.dumps(facts)


def task(unit: Unit, work: Work, limit: int) -> str:
    """Return what a child is to do: the unit, what is looked for, and after how many drafts it stops (0: never)."""
    classes = {str(klass): sorted(types) for klass, types in work.classes.items()}
    return json.dumps([unit, work.part, work.folder, classes, limit])


def serve(inlet: IO[bytes], outlet: IO[bytes]) -> None:
    """Take the setting, say ``"ready"``, then answer tasks with blocks of rows and a last word: "done" or "failed"."""
    told: Tell = SimpleQueue()
    threading.Thread(target=_listen, args=(inlet, told), daemon=True).start()
    try:
        planner = _planner(json.loads(told.get(timeout=IDLE)), outlet, told)
    except Empty:
        return
    send(outlet, "ready")
    while True:
        try:
            asked = json.loads(told.get(timeout=IDLE))
        except Empty:
            return
        try:
            for answer in _answers(planner, *asked):
                send(outlet, answer)
        except BrokenPipeError:
            return
        except Exception as error:
            send(outlet, ("failed", *_said(error)))


def _listen(inlet: IO[bytes], told: Tell) -> None:
    while (value := receive(inlet)) is not None:
        told.put(value)
    os._exit(0)  # in the middle of whatever it does: nobody waits for it any more


def _planner(facts: dict[str, Any], outlet: IO[bytes], told: Tell) -> Planner:
    root, database, cache, lacks = facts["data"]

    def ask(item: int) -> Iterable[str]:
        send(outlet, ("ask", item))
        answer: list[str] | bool = told.get()
        if isinstance(answer, bool):
            raise Permanent("The server did not say it.", code="server_answer")
        return answer

    return Planner(
        data=Data(root, database, cache, tuple(lacks)),
        policy=policy.of(facts["policy"]),
        now_ns=facts["now_ns"],
        sections=frozenset(facts["sections"]),
        host=facts["host"],
        ask=ask if facts["asks"] else None,
        source=partial(reading.opened, facts["copy"]),
    )


def _answers(
    planner: Planner, unit: list[str], part: str, folder: str, classes: dict[str, list[int]], limit: int
) -> Iterator[tuple[Any, ...]]:
    work = Work(part, folder, {Klass(name): frozenset(types) for name, types in classes.items()})
    found, kept = Found(), Counter[str]()
    for block in planner.blocks(Unit(*unit), work, found, kept, limit):
        yield ("rows", *store_rows.pack(block))
    yield "done", json.dumps([found.facts(), kept])


def _said(error: Exception) -> tuple[str, str, str]:
    """Return the name of an error, its message, and its code and facts as JSON."""
    if isinstance(error, MediasyncError):
        facts = {**error.params, "code": error.code}
        if getattr(error, "retry_after", None) is not None:
            facts["retry_after"] = error.retry_after  # type: ignore[attr-defined]
        return type(error).__name__, str(error), json.dumps(facts, default=str)
    if isinstance(error, OSError) and error.errno:
        return "OSError", os.strerror(error.errno), json.dumps({"errno": error.errno})
    return "", "".join(traceback.format_exception(error)), "{}"


if __name__ == "__main__":
    gc.freeze()
    gc.set_threshold(*RARELY)
    serve(sys.stdin.buffer, sys.stdout.buffer)
    os._exit(0)  # the thread that listens never ends
