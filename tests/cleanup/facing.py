"""What tests of the command and the pages share: a folder that is known, and ways to press and to call."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from cleanup.choices import Klass
from cleanup.models import PlexFolder
from tests.cleanup.plexfolder import sample
from tests.cleanup.plexfolder.sample import Sample

SAFE = [Klass.UNUSED, Klass.ORPHAN, Klass.CHILD, Klass.TIDY, Klass.CACHE, Klass.UPLOAD]  # ask no web address


def build(path: Path) -> Sample:
    """Build the sample; its libraries are there, so that orphans may go."""
    made = sample.make(path)
    (path / "media" / "film.mkv").write_text("x")
    return made


def known(made: Sample, **policy: Any) -> PlexFolder:
    """Make the sample's folder known."""
    return PlexFolder.objects.create(name="Plex", path=str(made.folder), policy={"classes": SAFE, **policy})


def command(*words: Any) -> tuple[str, int]:
    """Return what ``cleanup_plex`` wrote and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("cleanup_plex", *map(str, words), stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return str(error), error.returncode
    except SystemExit as ended:
        code = int(ended.code or 0)
    return out.getvalue(), code


def document(*words: Any) -> tuple[dict[str, Any], int]:
    """Return the JSON of the command and its exit code."""
    text, code = command(*words, "--json")
    found = json.loads(text)
    assert isinstance(found, dict)
    return found, code


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Return everything below a folder: the content of files, the target of links, None for folders.

    Plex's database and our quarantine are left out.
    """
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if "Plug-in Support/Databases" in name or "mediasync-quarantine" in name:
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found
