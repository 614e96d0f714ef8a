"""What the settings make of the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

READ = (
    "import json; from mediasync import settings as s; "
    "print(json.dumps([s.SECRET_KEY, s.FIELD_KEY, s.DATABASES['default']['NAME']]))"
)


def read(**environment: str) -> list[Any]:
    """Return SECRET_KEY, FIELD_KEY and the database's name as a new process reads them."""
    base = {name: os.environ[name] for name in ("PATH", "MEDIASYNC_ENV_FILE")}
    found = subprocess.run([sys.executable, "-c", READ], env=base | environment, capture_output=True, check=True)
    values: list[Any] = json.loads(found.stdout)
    return values


def test_the_database_lies_in_the_data_folder_whatever_that_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "50%20 #1 what?"
    assert read(MEDIASYNC_DATA=str(folder))[2] == f"{folder}/mediasync.sqlite3"


def test_a_secret_from_a_file_is_the_same_as_from_the_environment(tmp_path: Path) -> None:
    key, field, database = (tmp_path / name for name in ("key", "field", "database"))
    key.write_text("a secret\n")
    field.write_text("another\n")
    database.write_text("postgres://somebody@127.0.0.1/name\n")
    files = {"SECRET_KEY_FILE": str(key), "FIELD_KEY_FILE": str(field), "DATABASE_URL_FILE": str(database)}
    assert read(**files) == ["a secret", "another", "name"]
