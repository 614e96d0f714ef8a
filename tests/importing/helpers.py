"""Configurations in files, and what the command says of them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

CONFIGS = Path(__file__).parent / "configs"


def config(name: str, folder: Path, local: Path | None = None) -> Path:
    """Return one of our configurations as a file; ``@LOCAL@`` in it is a folder that exists."""
    text = (CONFIGS / name).read_text().replace("@LOCAL@", str(local or folder))
    return write(folder, name, text)


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def run(path: Path, *words: str) -> tuple[str, int]:
    """Return what the command wrote, or what is wrong, and its exit code."""
    out = io.StringIO()
    try:
        call_command("import_config", str(path), *words, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return str(error), error.returncode
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def report(path: Path, *words: str) -> list[dict[str, Any]]:
    """Return the lines of the report."""
    text, code = run(path, "--json", *words)
    assert code == 0, text
    lines: list[dict[str, Any]] = json.loads(text)["lines"]
    return lines


def said(lines: list[dict[str, Any]], outcome: str) -> list[tuple[int | None, str]]:
    """Return (line, key) of what came out so."""
    return [(each["line"], each["key"]) for each in lines if each["outcome"] == outcome]
