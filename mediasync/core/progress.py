"""One line that says how far something is: rewritten on a terminal, a new one each ten seconds elsewhere."""

from __future__ import annotations

import shutil
import unicodedata
from typing import TextIO

from .clock import Clock, system

TERMINAL_SECONDS = 0.1
LOG_SECONDS = 10.0
BAR = 20  # characters


class ProgressLine:
    """Call ``show`` as often as you like, and ``clear`` before anything else is written."""

    def __init__(self, stream: TextIO, *, clock: Clock = system, terminal: bool | None = None) -> None:
        self._stream, self._clock = stream, clock
        self.terminal = stream.isatty() if terminal is None else terminal
        self._began = self._told = clock.monotonic()
        self._dirty = False

    @property
    def elapsed(self) -> float:
        """Return the seconds since it was made."""
        return self._clock.monotonic() - self._began

    def show(self, text: str, now: str = "", share: float | None = None) -> None:
        """Say ``text`` (and ``now``, what is cut first when the line is full); ``share`` (0 to 1) draws a bar."""
        moment = self._clock.monotonic()
        if moment - self._told < (TERMINAL_SECONDS if self.terminal else LOG_SECONDS):
            return
        self._told = moment
        bar = "" if share is None else f"{bar_of(share)} "
        if self.terminal:
            line = fit(f"{bar}{text}  {now}".rstrip(), shutil.get_terminal_size().columns - 1)
            self._stream.write(f"\r{line}\x1b[K")
            self._dirty = True
        else:
            percent = "" if share is None else f"{min(share, 1):.0%} "
            self._stream.write(f"{percent}{text}  {now}".rstrip() + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away from a terminal."""
        if self._dirty:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._dirty = False


def bar_of(share: float) -> str:
    """Return a bar of fixed width with its percentage."""
    share = min(max(share, 0.0), 1.0)
    full = round(share * BAR)
    return f"[{'█' * full}{'·' * (BAR - full)}] {share:4.0%}"


def width_of(text: str) -> int:
    """Return how many columns a text takes: two for each wide East Asian character."""
    return sum(0 if unicodedata.combining(char) else 2 if wide(char) else 1 for char in text)


def wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def fit(text: str, columns: int) -> str:
    """Return the text cut to so many columns, with an ellipsis if something is missing."""
    if width_of(text) <= columns:
        return text
    out, left = "", columns - 1
    for char in text:
        left -= width_of(char)
        if left < 0:
            break
        out += char
    return out + "…" if columns > 0 else ""


def count(number: float) -> str:
    """Return a number with thin groups: 1 234 567."""
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def size(number: float) -> str:
    """Return bytes for people: 1.5 GB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def duration(seconds: float) -> str:
    """Return a time for people: 3.2 s, 4 min 10 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
