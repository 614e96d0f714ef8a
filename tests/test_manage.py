"""The program itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .installation import TOP, Installation


@pytest.mark.slow
def test_it_ends_in_silence_when_nobody_reads_any_more(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    command = [sys.executable, str(TOP / "manage.py"), "help"]
    process = subprocess.Popen(command, env=here.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()  # as "| head" does
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141
