"""Every code that the engine writes has a sentence, and every sentence can be filled."""

from __future__ import annotations

import re
from pathlib import Path

import mediasync.jobs
from mediasync.jobs import registry
from mediasync.jobs.choices import JobState
from mediasync.jobs.texts import TEXTS

SOURCES = Path(mediasync.jobs.__file__).parent
CODE = re.compile(r"""(?:code=|reason_code": |Ending\("\w+", |code = )"([a-z_]+)\"""")
NOT_SHOWN = {
    "schedule_times",
    "schedule_interval",
    "schedule_zone",
    "schedule_cron",
    "schedule_never",
    "worker_runs",
}  # only errors


def test_it_has_a_sentence_for_every_code() -> None:
    found = {code for path in SOURCES.glob("*.py") for code in CODE.findall(path.read_text())}
    assert {"worker_lost", "too_many_failures", "priority_set"} <= found
    assert found - NOT_SHOWN <= set(TEXTS)
    assert {f"job_{state}" for state in JobState} <= set(TEXTS)


def test_it_fills_each_sentence_with_its_facts() -> None:
    for code, text in TEXTS.items():
        names = re.findall(r"%\((\w+)\)s", str(text))
        filled = registry.text(code, {name: f"<{name}>" for name in names})
        assert all(f"<{name}>" in filled for name in names)
