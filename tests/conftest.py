"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test where everything is installed: ``.ci/run`` sets MEDIASYNC_MUST_NOT_SKIP.

    But for what is called optional: no machine needs Node for mediasync.
    """
    report = yield
    if report.skipped and os.environ.get("MEDIASYNC_MUST_NOT_SKIP") and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not reason.startswith("Skipped: optional:"):
            report.outcome, report.longrepr = "failed", f"nothing may skip here: {reason}"
    return report
