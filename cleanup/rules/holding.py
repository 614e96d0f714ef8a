"""Which pictures of a bundle must stay though no column names them: what those that stay lead to, or share a body with.

``_combined`` holds links (on Windows second names of one file) to ``_stored`` and to the folders of the agents.
"""

from __future__ import annotations

from collections.abc import Callable

from ..plexdata import layout
from .shelves import Names, Picture, all_links


class Holding:
    """Made once a bundle: ``stays(picture)`` tells whether one may not go, given which keys are in use."""

    def __init__(self, names: Names, in_use: Callable[[str], bool]) -> None:
        self.in_use = in_use
        self._paths: set[str] = set()
        self._bodies: set[tuple[int, int]] = set()
        self._folders: tuple[str, ...] = ()
        self._all = False  # a link in use leads through another one: who knows where to
        links = {rel: entry.target for entry, rel in all_links(names)}
        # A link that is no picture is not ours to judge, so what it leads to stays; so does what a link makes into a
        # second place of a whole folder, as a column may name that place.
        waiting = [rel for _entry, rel in names.links]
        for each in names.pictures:
            if in_use(each.key):
                if each.entry.kind == "link":
                    waiting.append(each.rel)
                elif each.entry.nlink > 1:
                    self._bodies.add((each.entry.dev, each.entry.ino))
        for entry, _rel in names.others:
            if entry.nlink > 1:
                self._bodies.add((entry.dev, entry.ino))
        self._follow(waiting, links)
        if links:
            targets = {layout.link_target(rel, target) for rel, target in links.items()}
            self._folders = tuple(f"{each}/" for each in targets if each in names.folders)
        if self._paths:
            held = (each for each in names.pictures if each.rel in self._paths and each.entry.nlink > 1)
            self._bodies |= {(each.entry.dev, each.entry.ino) for each in held}

    def _follow(self, waiting: list[str], links: dict[str, str]) -> None:
        while waiting:
            rel = waiting.pop()
            target = layout.link_target(rel, links[rel])
            self._all = self._all or _leads_through(rel, links)
            if target and target not in self._paths:
                self._paths.add(target)
                if target in links:
                    waiting.append(target)

    def stays(self, picture: Picture) -> bool:
        """Tell whether a picture is in use itself, or needed by one that is."""
        if self._all or self.in_use(picture.key) or picture.rel in self._paths:
            return True
        if self._bodies and (picture.entry.dev, picture.entry.ino) in self._bodies:
            return True
        return bool(self._folders) and picture.rel.startswith(self._folders)


def _leads_through(rel: str, links: dict[str, str]) -> bool:
    """Tell whether a folder on the way of a link is itself a link, so that ``..`` behind it means another place."""
    at = rel.split("/")[:-1]
    for piece in links[rel].split("/")[:-1]:
        if piece == "..":
            del at[-1:]
        elif piece not in ("", "."):
            at.append(piece)
            if "/".join(at) in links:
                return True
    return False
