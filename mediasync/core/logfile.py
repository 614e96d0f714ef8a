"""A log file a day, written by several processes at once."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path


class DailyFile(logging.Handler):
    """Append to ``folder/mediasync-YYYY-MM-DD.log`` (UTC) and remove all but the ``keep`` newest.

    Lines are appended whole (O_APPEND), so processes need no lock, and nothing is renamed under them. A folder that
    cannot be written costs the lines, never the work.
    """

    def __init__(self, folder: str, keep: int = 14) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.keep = keep
        self._day: dt.date | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            day = dt.datetime.fromtimestamp(record.created, dt.UTC).date()
            if day != self._day:
                self._begin(day)
            with self._path(day).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(self.format(record) + "\n")
        except OSError:
            return

    def _begin(self, day: dt.date) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._day = day
        others = [path for path in sorted(self.folder.glob("mediasync-*.log")) if path != self._path(day)]
        for old in others[: max(0, len(others) - self.keep + 1)]:
            old.unlink(missing_ok=True)

    def _path(self, day: dt.date) -> Path:
        return self.folder / f"mediasync-{day}.log"
