"""Read a file as YAML, TOML or JSON; whatever is wrong with it, the error says where, and never what stands there."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from django.utils.translation import gettext as _

from mediasync.core.errors import UsageError
from mediasync.core.paths import for_people, to_text

from .formats import json_tree, toml_tree
from .tree import Node, bad
from .yaml_tree import yaml_tree

LARGEST = 1024 * 1024  # bytes; a real one has a few thousand
FORMATS: dict[str, Callable[[str], Node]] = {".toml": toml_tree, ".json": json_tree}
FOREIGN = (".json5", ".ron", ".ini")  # autopulse reads them, we do not


def read(path: Path) -> Node:
    """Return what is in the file. Raises UsageError."""
    text = decode(load(path))
    if not text.strip():
        raise UsageError(_("%s is empty.") % name_of(path), code="bad_config")
    suffix = path.suffix.lower()
    if suffix in FOREIGN:
        raise UsageError(_("%s cannot be read. Convert it to YAML, TOML or JSON.") % suffix, code="bad_config")
    try:
        top = FORMATS.get(suffix, yaml_tree)(text)
    except RecursionError:
        raise UsageError(_("It is nested too deep."), code="bad_config") from None
    if not top.mapping():
        raise bad(_("The file must be a mapping (key: value)."), top.line)
    return top


def load(path: Path) -> bytes:
    """Return the bytes of the file."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(_("%(path)s: %(why)s.") % {"path": name_of(path), "why": why}, code="bad_config") from None
    if len(data) > LARGEST:
        raise UsageError(_("%s is larger than 1 MiB: that is no configuration.") % name_of(path), code="bad_config")
    return data


def decode(data: bytes) -> str:
    """Return the text of UTF-8, or UTF-16 with a mark, without the mark."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise bad(_("This is not UTF-8. Save the file as UTF-8."), line) from None


def name_of(path: Path) -> str:
    """Return a path as people read it."""
    return for_people(to_text(bytes(path)))
