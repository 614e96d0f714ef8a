from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitors.accounts import limits


@pytest.fixture(autouse=True)
def no_turns_in_advance() -> Iterator[None]:
    """Accounts of two tests have the same ids, and the same times on clocks that are set."""
    limits._spare.clear()
    yield
    limits._spare.clear()
