"""What ``manage.py cleanup_plex`` says of a data folder before anything is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from cleanup import preflight
from cleanup.models import PlexFolder
from cleanup.plexdata import places
from mediasync.core.paths import for_people
from mediasync.core.progress import count, size
from mediasync.jobs import registry

Facts = Mapping[str, Any]


def sizes(folder: PlexFolder) -> dict[str, Any]:
    """Return files and bytes of each part; walks all of the folder."""
    return preflight.sizes(places.resolve(folder.path, folder.cache_path))


def lines(folder: PlexFolder, facts: Facts) -> Iterator[str]:
    """Yield what was found, for people."""
    yield f"{folder}: {for_people(facts.get('root', folder.path))}"
    yield from _database(facts.get("database", {}))
    yield from _parts(facts)
    if disk := facts.get("disk"):
        yield "  " + _("Disk: %(kind)s, %(free)s free of %(total)s") % {
            "kind": disk["kind"],
            "free": size(disk["free"]),
            "total": size(disk["total"]),
        }
    if plex := facts.get("plex"):
        yield "  " + plex_line(plex)
    for code, params in (*facts["refused"], *facts["warnings"]):
        yield "  ! " + for_people(registry.text(code, params))


def plex_line(plex: Facts) -> str:
    """Return whether Plex runs, in a sentence."""
    if not plex["running"]:
        return _("Plex does not run.")
    doing = [
        word
        for name, word in (
            ("busy", _("it is busy")),
            ("watched", _("somebody watches")),
            ("butler", _("these are the hours of its butler")),
        )
        if plex.get(name)
    ]
    said = _("Plex runs (%s)") % ", ".join(registry.text(f"plex_sign_{why}") for why in plex["why"])
    return ": ".join([said, ", ".join(doing)] if doing else [said]) + "."


def _database(found: Facts) -> Iterator[str]:
    if found:
        yield "  " + _("Database: %(size)s, triggers %(generation)s, newest migration %(newest)s") % {
            "size": size(found["size"]),
            "generation": found["generation"],
            "newest": found["newest"],
        }
        yield "  " + _("Pictures of items: %s") % ", ".join(found["columns"])


def _parts(facts: Facts) -> Iterator[str]:
    found: dict[str, dict[str, int]] = {}
    for source in (facts.get("parts", {}), facts.get("sizes", {})):
        for name, numbers in source.items():
            found.setdefault(name, {}).update(numbers)
    for name, numbers in found.items():
        said = [_("%s bundles") % count(numbers["bundles"])] if "bundles" in numbers else []
        if "files" in numbers:
            said += [_("%s files") % count(numbers["files"]), size(numbers["bytes"])]
        if numbers.get("upload_files"):
            said.append(_("of them uploads: %s") % f"{count(numbers['upload_files'])}, {size(numbers['upload_bytes'])}")
        yield f"  {name}: {', '.join(said)}"
