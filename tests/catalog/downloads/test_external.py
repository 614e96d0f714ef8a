"""Tests for the external command: the example of the documents, exit codes, limits, and what a command must not do."""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.downloads import external_command
from catalog.downloads.base import Candidate
from catalog.errors import ParseError, Unavailable
from mediasync.core.errors import Permanent, Stop, Transient, UsageError
from tests.catalog import audio

from .conftest import Make, brought, quiet, want

PAGE = Path(__file__).resolve().parents[3] / "docs" / "catalog-sources.md"
SONG = audio.mp3("Blue Sky", "Some One", 3)


def command(tmp_path: Path, code: str, *arguments: str) -> dict[str, Any]:
    script = tmp_path / "a tool.py"
    script.write_text(code)
    return {"command": shlex.join([sys.executable, str(script), *arguments])}


def test_it_runs_the_example_of_the_documents(make: Make, tmp_path: Path, part: Path) -> None:
    (example,) = re.findall(r"```python\n(import json, pathlib.*?)```", PAGE.read_text(), re.S)
    audio.write(tmp_path / "music/x/Blue Sky.mp3", SONG)
    source = make("external_command", command(tmp_path, example, str(tmp_path / "music")))
    (found,) = source.search(want("blue sky", "Some One"))
    assert (found.source, found.title, found.artists, found.rights_basis) == (
        "here", "Blue Sky", ("Some One",), "user-supplied",
    )  # fmt: skip
    assert brought(source, found, part) == SONG
    assert source.search(want("nothing")) == []
    (tmp_path / "music/x/Blue Sky.mp3").unlink()
    with pytest.raises(Unavailable):
        source.fetch(found, part, quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-x.part", "a tool.py", "music"]


CODES = [
    ("import sys; sys.stderr.write('first\\nno key\\n'); sys.exit(1)", Permanent, "no key"),
    ("import sys; sys.exit(4)", Transient, "later"),
    ("print('not json')", ParseError, "JSON"),
    ("print('[]')", ParseError, "JSON"),
    ("print('{}')", ParseError, "list of candidates"),
    ('print(\'{"candidates": [{"title": 1}]}\')', ParseError, "key and a title"),
    ("print('[' * 100000)", ParseError, "JSON"),
]


@pytest.mark.parametrize(("code", "kind", "said"), CODES, ids=range(len(CODES)))
def test_it_understands_how_a_command_ends(
    make: Make, tmp_path: Path, code: str, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        make("external_command", command(tmp_path, code)).search(want("x"))


def test_it_takes_not_found_for_nothing(make: Make, tmp_path: Path) -> None:
    assert make("external_command", command(tmp_path, "import sys; sys.exit(3)")).search(want("x")) == []


def test_it_reads_odd_candidates(make: Make, tmp_path: Path) -> None:
    facts = {"key": "k", "title": "t", "artists": "A", "size": "big", "duration": True, "source": "evil"}
    odd = facts | {"opaque": 7, "unknown": 1, "exact": 1, "lossless": "yes"}
    code = f"import json\nprint(json.dumps({{'candidates': [{odd!r}]}}))"
    (found,) = make("external_command", command(tmp_path, code)).search(want("x"))
    assert found == Candidate("here", "k", "t", ("A",), rights_basis="user-supplied")


def test_it_shows_only_what_is_allowed(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "yes")
    monkeypatch.setenv("OTHER_SECRET", "no")
    code = """
import json, os
print(json.dumps({"candidates": [{"key": os.getcwd(), "title": " ".join(sorted(os.environ))}]}))
"""
    settings = command(tmp_path, code) | {"env": "MY_TOKEN NOT_SET"}
    (found,) = make("external_command", settings).search(want("x"))
    assert "MY_TOKEN" in found.title.split() and "PATH" in found.title.split()
    assert not {"OTHER_SECRET", "SECRET_KEY", "HOME"} & set(found.title.split())
    assert not Path(found.key).exists()  # the empty folder that it ran in


SLEEPER = """
import subprocess, sys, pathlib
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
child.wait()
"""


def test_it_ends_a_command_that_takes_too_long_with_all_it_started(make: Make, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    source = make("external_command", command(tmp_path, SLEEPER, str(note)) | {"timeout": "3"})
    with pytest.raises(Transient) as late:
        source.search(want("x"))
    assert late.value.code == "command_timeout"
    assert gone(int(note.read_text()))


def test_it_ends_a_command_when_told_to_stop(make: Make, tmp_path: Path, part: Path) -> None:
    note = tmp_path / "pid"
    source = make("external_command", command(tmp_path, SLEEPER, str(note)))

    def stop(done: int, total: int | None) -> None:
        if note.exists() and note.read_text():
            raise Stop

    with pytest.raises(Stop):
        source.fetch(Candidate("here", "k", "t"), part, stop)
    assert gone(int(note.read_text()))


def gone(pid: int) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


FETCHES = [
    ("pass", "brought no file"),
    ("import os; os.symlink('/etc/passwd', dest)", "brought no file"),
    ("import os; os.mkdir(dest)", "brought no file"),
]


@pytest.mark.parametrize(("code", "said"), FETCHES, ids=["nothing", "link", "folder"])
def test_it_takes_only_a_file(make: Make, tmp_path: Path, part: Path, code: str, said: str) -> None:
    script = f"import json, sys\ndest = json.load(sys.stdin)['dest']\n{code}\nprint('{{}}')"
    with pytest.raises(Unavailable, match=said):
        make("external_command", command(tmp_path, script)).fetch(Candidate("here", "k", "t"), part, quiet)
    assert not part.exists()
    assert not [path for path in tmp_path.iterdir() if path.is_symlink()]


def test_it_bears_with_a_file_that_comes_and_goes(make: Make, tmp_path: Path, part: Path) -> None:
    """Many tools write under the name, remove it, and write anew."""
    script = """
import json, os, sys, time
dest = json.load(sys.stdin)["dest"]
until = time.monotonic() + 2
while time.monotonic() < until:
    open(dest, "wb").close()
    os.unlink(dest)
open(dest, "wb").write(b"music")
print("{}")
"""
    source = make("external_command", command(tmp_path, script))
    before, external_command.EVERY = external_command.EVERY, 0.0001
    try:
        assert brought(source, Candidate("here", "k", "t"), part) == b"music"
    finally:
        external_command.EVERY = before


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"command": "tool"},
        {"command": "/x 'open"},
        *({"command": "/x", "timeout": t} for t in ("a", "nan", "inf", "-1")),
    ],
)
def test_it_refuses_settings_that_cannot_be(make: Make, settings: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        make("external_command", settings)


def test_it_says_that_a_command_is_missing(make: Make) -> None:
    with pytest.raises(Permanent) as missing:
        make("external_command", {"command": "/nowhere/tool"}).search(want("x"))
    assert missing.value.code == "command_missing"
