"""The fake servers as programs, as tests of whole processes use them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mediasync.servers.clients.base import Access, ScanTarget, client_class

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", ["plex", "emby", "jellyfin"])
def test_it_runs_as_a_program_and_ends_when_told(kind: str, media: Path) -> None:
    command = [sys.executable, "-m", f"tests.fakes.{kind}", "--token", "t", "--library", f"Movies={media}/movies"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            client = client_class(kind)(Access(url, "t"))
            [movies] = client.libraries()
            client.scan([ScanTarget(f"{media}/movies/A & B (2020)", "Created", True, movies.key)])
            client.close()
            with urllib.request.urlopen(f"{url}/_known", timeout=60) as answer:
                assert json.load(answer) == [f"{media}/movies/A & B (2020)/A & B (2020).mkv"]
            with urllib.request.urlopen(f"{url}/_log", timeout=60) as answer:
                assert len(json.load(answer)) == 2
        finally:
            process.terminate()
        assert process.wait(60) == 0
