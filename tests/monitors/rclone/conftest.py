from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.conftest import fixtures

from .daemon import BINARIES, Daemon, clear

__all__ = ["fixtures"]


@pytest.fixture(params=sorted(BINARIES))
def binary(request: pytest.FixtureRequest) -> Path:
    """Both versions that people have."""
    found = BINARIES[request.param]
    if not found.exists():
        pytest.skip(f"{found} is not installed")
    return found


@pytest.fixture
def behind(tmp_path: Path) -> Path:
    """The folder that plays the cloud."""
    folder = tmp_path / "behind"
    (folder / "TV/Show").mkdir(parents=True)
    (folder / "TV/Show/a.mkv").write_bytes(b"abc")
    return folder


@pytest.fixture
def point(tmp_path: Path) -> Iterator[Path]:
    """A folder to mount on; what is mounted there at the end is unmounted."""
    if not Path("/dev/fuse").exists():
        pytest.skip("/dev/fuse is needed for a real mount")
    folder = tmp_path / "cloud"
    folder.mkdir()
    try:
        yield folder
    finally:
        clear(folder)


@pytest.fixture
def daemon(binary: Path, tmp_path: Path, behind: Path) -> Iterator[Daemon]:
    with Daemon(binary, tmp_path, behind) as running:
        yield running


@pytest.fixture
def mounted(binary: Path, tmp_path: Path, behind: Path, point: Path) -> Iterator[Daemon]:
    """``rclone mount --rc`` that remembers folders for an hour."""
    with Daemon(binary, tmp_path, behind, point) as running:
        yield running
