"""The XML of the older agents: which image they offer under which name, and where it came from.

``Contents/_combined/Info.xml`` (and ``seasons/<n>.xml``, ``seasons/<n>/episodes/<m>.xml``) list, by attribute, items
with ``url`` and ``media`` (the file is the image) or ``preview`` (the file is a small one; ``url`` is the image). What
is only kept in ``_stored`` has no ``url``.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

FOLDERS = frozenset({"posters", "thumbs", "art", "banners", "themes", "clearLogos", "squareArts", "squareArt"})
MOST = 64 * 1024 * 1024  # bytes; the largest of long shows have a few
# An own entity could grow to any size; Plex writes no such declarations. A NUL is there only in UTF-16 and 32.
DECLARED = re.compile(rb"<!(DOCTYPE|ENTITY)|\0", re.IGNORECASE)


class Image(NamedTuple):
    """One image that is offered."""

    attribute: str  # posters, art …
    name: str  # of the file
    url: str  # "" where the XML does not know it
    preview: bool


def parse(data: bytes) -> list[Image]:
    """Return the images of one file; ValueError if it is no XML that Plex would write."""
    from xml.etree import ElementTree  # which few commands need

    if len(data) > MOST or DECLARED.search(data):
        raise ValueError("not the XML of an agent")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    found: list[Image] = []
    for attribute in root:
        if attribute.tag in FOLDERS:
            for item in attribute.iter("item"):
                name = item.get("media") or item.get("preview") or ""
                if name:
                    found.append(Image(attribute.tag, name, item.get("url", ""), not item.get("media")))
    return found


def describing(rel: str) -> tuple[str, str, str]:
    """Return (path of the XML below the agent's folder, attribute, name) for a file ``rel`` below ``_combined``."""
    where, name = posixpath.split(rel)
    below, attribute = posixpath.split(where)
    return (f"{below}.xml" if below else "Info.xml"), attribute, name
