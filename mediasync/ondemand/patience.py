"""Do several things at once for somebody who waits, and go on without those that do not end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
SECONDS = 15.0  # the script for mails waits for 20


def together(tasks: Sequence[Callable[[], T]], until: float) -> list[T | None]:
    """Return what each task returns; None for one that raises OSError, or is not done at ``until`` (monotonic).

    A task that does not end is left behind in its thread; none may touch the database.
    """
    found: list[T | None] = [None] * len(tasks)

    def run(number: int) -> None:
        try:
            found[number] = tasks[number]()
        except OSError:
            return

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True, name="on demand") for number in range(len(tasks))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return list(found)
