"""Every code of the data folder has a sentence, and every sentence is given its facts."""

from __future__ import annotations

import re
from pathlib import Path

import cleanup.plexdata
from cleanup.texts import TEXTS
from cleanup.texts_plexdata import PLEXDATA
from mediasync.jobs import registry

CODE = re.compile(r"\"(plex_[a-z_]+)\"")
NO_CODES = {"plex_sqlite"}  # a way to write


def test_every_code_has_a_sentence() -> None:
    folder = Path(cleanup.plexdata.__file__).parent
    found = {code for path in folder.glob("*.py") for code in CODE.findall(path.read_text())} - NO_CODES
    assert found == set(PLEXDATA) <= set(TEXTS)


def test_every_sentence_can_be_filled() -> None:
    for code, text in PLEXDATA.items():
        names = re.findall(r"%\((\w+)\)s", str(text))
        filled = registry.text(code, {name: f"<{name}>" for name in names})
        assert all(f"<{name}>" in filled for name in names)
