from __future__ import annotations

import io

import pytest

from mediasync.core.clock import FakeClock
from mediasync.core.progress import ProgressLine, bar_of, count, duration, fit, size, width_of


def test_it_rewrites_one_line_on_a_terminal() -> None:
    stream, clock = io.StringIO(), FakeClock()
    line = ProgressLine(stream, clock=clock, terminal=True)
    for n in range(3):
        clock.advance(0.2)
        line.show(f"{n} files", "Show", share=n / 2)
    line.clear()
    line.clear()
    assert stream.getvalue().count("\r") == 4 and "\n" not in stream.getvalue()
    assert "[██████████··········]  50% 1 files  Show" in stream.getvalue()


def test_it_writes_a_line_each_ten_seconds_elsewhere() -> None:
    stream, clock = io.StringIO(), FakeClock()
    line = ProgressLine(stream, clock=clock, terminal=False)
    for n in range(100):
        line.show(f"{n} files", share=0.5 if n == 50 else None)
        clock.advance(0.25)
    line.clear()
    assert stream.getvalue() == "40 files\n80 files\n"


def test_it_cuts_by_columns_not_by_characters() -> None:
    assert width_of("한국어 e\u0301") == 8
    assert fit("한국어", 6) == "한국어" and fit("한국어", 5) == "한국…" and fit("abc", 0) == ""


@pytest.mark.parametrize(("share", "bar"), [(-1, "  0%"), (0.501, " 50%"), (7, "100%")])
def test_it_draws_a_bar_within_its_bounds(share: float, bar: str) -> None:
    assert bar_of(share).endswith(bar) and width_of(bar_of(share)) == 27


def test_it_speaks_for_people() -> None:
    assert count(1234567) == "1\u202f234\u202f567"
    assert [size(999), size(1500), size(2e15)] == ["999 B", "1.5 kB", "2000.0 TB"]
    assert [duration(3.21), duration(250), duration(7500)] == ["3.2 s", "4 min 10 s", "2 h 5 min"]
