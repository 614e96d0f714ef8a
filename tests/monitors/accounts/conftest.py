from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("clouddrive2_client", reason="the extra clouddrive is not installed")

from monitors.models import Account
from tests.fakes.clouddrive import FakeCloudDrive

from .clouds import Far, make_account, running


@pytest.fixture
def cloud() -> Iterator[FakeCloudDrive]:
    with running() as cloud:
        yield cloud


@pytest.fixture
def account(cloud: FakeCloudDrive, transactional_db: None) -> Account:
    return make_account(cloud)


@pytest.fixture
def far(cloud: FakeCloudDrive, account: Account) -> Far:
    return Far(cloud, account)
