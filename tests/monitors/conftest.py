from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitors.accounts import spare


@pytest.fixture(autouse=True)
def no_turns_in_advance() -> Iterator[None]:
    """Accounts of two tests have the same ids, and the same times on clocks that are set."""
    spare.forget_all()
    yield
    spare.forget_all()
