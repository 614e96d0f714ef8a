"""The rules of the house, as tests: small files, tested commands, documented settings."""

from __future__ import annotations

import re
import statistics
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
LONGEST = 400
MEDIAN = 120


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git knows or would add; every file below the project where there is no git."""
    command = ["git", "-C", str(TOP), "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        return [path for pattern in patterns for path in TOP.rglob(pattern) if ".venv" not in path.parts]
    return [TOP / line for line in found.stdout.splitlines() if (TOP / line).is_file()]


def sources() -> list[Path]:
    return [path for path in tracked("*.py") if "migrations" not in path.parts]


def length(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(TOP)))
def test_it_keeps_every_file_short(path: Path) -> None:
    assert length(path) <= LONGEST, f"{length(path)} lines; split it before {LONGEST}"


def test_it_keeps_the_median_file_small() -> None:
    product = [length(path) for path in sources() if "tests" not in path.parts and length(path) > 3]
    assert statistics.median(product) <= MEDIAN


def commands() -> list[Path]:
    return [p for p in tracked("*.py") if p.parent.name == "commands" and not p.stem.startswith("_")]


@pytest.mark.parametrize("path", commands(), ids=lambda p: p.stem)
def test_it_tests_every_command(path: Path) -> None:
    tests = "\n".join(p.read_text() for p in tracked("tests/*.py", "tests/**/*.py") if p != Path(__file__))
    called = re.search(rf"""["'\s]{path.stem}["'\s]""", tests)
    assert called, f"no test calls the command {path.stem!r}"


@pytest.mark.parametrize("path", commands(), ids=lambda p: p.stem)
def test_it_documents_every_command(path: Path) -> None:
    pages = "\n".join(p.read_text() for p in [*tracked("docs/*.md"), TOP / "README.md"])
    assert re.search(rf"manage\.py {path.stem}\b", pages), f"no page of docs/ says what `manage.py {path.stem}` does"


def settings_read() -> set[str]:
    """Return the names that settings.py asks the environment for."""
    text = (TOP / "mediasync" / "settings.py").read_text()
    return set(re.findall(r"""env\.\w+\(\s*["']([A-Z_]+)["']""", text))


def test_it_finds_the_settings() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "MEDIASYNC_DATA"} <= settings_read()


@pytest.mark.parametrize("name", sorted(settings_read()))
def test_it_documents_every_setting(name: str) -> None:
    assert f"`{name}`" in (TOP / "docs" / "settings.md").read_text(), f"{name} is not in docs/settings.md"


@pytest.mark.parametrize("name", sorted(path.name for path in TOP.glob("requirements*.lock")))
def test_it_locks_with_hashes_and_without_addresses(name: str) -> None:
    text = (TOP / name).read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text, "an index address is in the lock"
    pins = re.findall(r"^([A-Za-z0-9_.\[\]-]+)==", text, re.M)
    assert len(pins) == len(set(pins)) > 10


def test_it_names_no_machine_in_tracked_files() -> None:
    parent = f"{TOP.parent}/"
    if parent == "//":
        pytest.skip("the project lies in /, every path would match")
    guilty = [p for p in tracked() if p.suffix in {".py", ".md", ".toml", ".html", ".lock"} and parent in p.read_text()]
    assert not guilty
