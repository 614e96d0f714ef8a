"""CloudDrive2 behind TLS with a certificate of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.core.errors import Unreachable
from monitors.accounts.clouddrive_rpc import Access, Connection
from tests.core.test_http_tls import certificate
from tests.fakes.clouddrive import FakeCloudDrive

__all__ = ["certificate"]


def test_it_trusts_the_file_that_it_is_given_and_nobody_else(certificate: Path) -> None:
    with FakeCloudDrive(pem=certificate.read_bytes()) as cloud:
        cloud.put("/115/a.mkv")
        for ca_file, fine in ((str(certificate), True), ("", False)):
            own = Connection(Access(cloud.address, tls=True, ca_file=ca_file, token="good"))
            if fine:
                assert [entry.name for entry in own.listing("/115")] == ["a.mkv"]
            else:
                with pytest.raises(Unreachable):
                    own.listing("/115")
            own.close()
