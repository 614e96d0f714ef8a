"""Bundles of the older agents: agents' folders with Info.xml, ``_stored``, and ``_combined`` with links to both."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from cleanup.plexdata import layout

from .builder import Made, PlexBuilder, sha1

AGENT = "com.plexapp.agents.themoviedb"


@dataclass(frozen=True)
class Legacy:
    """One image: the name in ``_combined`` and, where they exist, the file it leads to; ``value`` selects it."""

    link: str
    file: str
    stored: str
    value: str
    url: str


def image(
    plex: PlexBuilder,
    owner: Made,
    attribute: str,
    url: str,
    *,
    below: str = "",
    agent: str = AGENT,
    stored: bool = False,
    windows: bool = False,
    external: bool = False,
) -> Legacy:
    """Make an image. ``below``: "seasons/1" or "seasons/1/episodes/2"; ``stored``: the full image was loaded.

    ``external``: it only lies in ``_stored``, no agent offers it any more and no XML has its address. Call ``info``
    when all images of a bundle are made.
    """
    where, digest = posixpath.join(below, attribute), sha1(url)
    name = f"{agent}_{digest}"
    contents = f"{owner.bundle}/Contents"
    file = "" if external else plex.file(f"{contents}/{agent}/{where}/{digest}")
    kept = plex.file(f"{contents}/_stored/{where}/{name}") if stored or external else ""
    link = f"{contents}/_combined/{where}/{name}"
    if windows:
        plex.hard_link(link, kept or file)
    else:
        plex.link(link, posixpath.relpath(kept or file, posixpath.dirname(link)))
    return Legacy(link, file, kept, f"metadata://{where}/{name}", "" if external else url)


def info(plex: PlexBuilder, owner: Made, images: list[Legacy], *, root: str = "Movie") -> list[str]:
    """Write Info.xml (and those of seasons and episodes) of ``_combined`` and of each agent; return their paths."""
    trees: dict[str, ET.Element] = {}
    for each in images:
        rel = each.link.removeprefix(f"{owner.bundle}/{layout.COMBINED}/")
        agent, digest = layout.agent_and_digest(posixpath.basename(rel))
        below, attribute = posixpath.split(posixpath.dirname(rel))
        xml = f"{below}.xml" if below else "Info.xml"
        kept = "media" if each.stored or not each.file else "preview"
        _add(trees, f"_combined/{xml}", root, attribute, each, {kept: f"{agent}_{digest}"})
        if each.url:
            _add(trees, f"{agent}/{xml}", root, attribute, each, {"preview": digest})
    return [
        plex.file(f"{owner.bundle}/Contents/{rel}", ET.tostring(tree, "utf-8", xml_declaration=True))
        for rel, tree in trees.items()
    ]


def _add(
    trees: dict[str, ET.Element], xml: str, root: str, attribute: str, each: Legacy, names: dict[str, str]
) -> None:
    tree = trees.setdefault(xml, ET.Element(root))
    images = tree.find(attribute)
    if images is None:
        images = ET.SubElement(tree, attribute)
    known = {"url": each.url} if each.url else {"external": "True"}
    ET.SubElement(images, "item", {**known, **names, "sort_order": str(len(images) + 1)})
