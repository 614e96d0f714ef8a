"""The names of the steps, as users of plex_mate know them, and what each of them stands for.

A step does all before it of its family: ``movie:3`` is 1, 2 and 3. ``all`` is everything that the policy allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mediasync.core.errors import UsageError

from .choices import Klass
from .plexdata import layout
from .policy import Policy

CACHE = "Cache"  # the third part, beside layout.METADATA and layout.MEDIA
ANY = frozenset[int]()  # of the types of items: all of them

LIBRARIES: dict[str, tuple[tuple[str, ...], frozenset[int]]] = {  # family → folders of Metadata, items of its Media
    "movie": (("Movies",), frozenset({1})),
    "show": (("TV Shows",), frozenset({2, 3, 4})),
    "music": (("Artists", "Albums"), frozenset({8, 9, 10})),
}
LIBRARY = ((Klass.UNUSED,), (Klass.SELECTED, Klass.TIDY), (Klass.ANALYSIS,), (Klass.REHOST,))
OF_MEDIA = frozenset({Klass.ANALYSIS, Klass.REHOST})
BUNDLE = {
    "metadata": ((Klass.ORPHAN,), (Klass.CHILD,), (Klass.UNUSED, Klass.TIDY)),
    "media": ((Klass.ORPHAN, Klass.TIDY), (), (Klass.ANALYSIS,)),
}
NAMES: tuple[str, ...] = (
    *(f"{family}:{number}" for family in LIBRARIES for number in range(1, 5)),
    *(f"bundle:{part}:{number}" for part in BUNDLE for number in range(1, 4)),
    *("cache", "uploads", "all"),
)


@dataclass(slots=True)
class Work:
    """What is looked for in one folder of a part: each class, with the types of items it is limited to (ANY: all)."""

    part: str
    folder: str = ""
    classes: dict[Klass, frozenset[int]] = field(default_factory=dict)

    def add(self, klass: Klass, types: frozenset[int] = ANY) -> None:
        """Look for one class more, or for it with more types of items."""
        known = self.classes.get(klass)
        self.classes[klass] = ANY if ANY in (known, types) else types | (known or ANY)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list of steps asks for, and the classes among it that the policy does not allow."""

    works: tuple[Work, ...]
    withheld: tuple[Klass, ...]

    @property
    def only_cache(self) -> bool:
        """Tell whether nothing of it needs the database."""
        return all(work.part == CACHE for work in self.works)


def check(names: Iterable[str]) -> list[str]:
    """Return the names in the order of ``NAMES``, each once; UsageError names what is unknown, or that all lack."""
    wanted = {name.strip().lower() for name in names}
    if unknown := sorted(wanted - set(NAMES)):
        message = f"There is no step {', '.join(unknown)}; there are: {', '.join(NAMES)}."
        raise UsageError(message, code="cleanup_no_step", steps=", ".join(unknown))
    if not wanted:
        raise UsageError(f"Name at least one step of: {', '.join(NAMES)}.", code="cleanup_no_steps")
    return [name for name in NAMES if name in wanted]


def classes_of(name: str) -> tuple[Klass, ...]:
    """Return the classes that a step looks for."""
    family, _, rest = name.partition(":")
    if family in LIBRARIES:
        return tuple(klass for step in LIBRARY[: int(rest)] for klass in step)
    if family == "bundle":
        part, _, number = rest.partition(":")
        return tuple(klass for step in BUNDLE[part][: int(number)] for klass in step)
    return {"cache": (Klass.CACHE,), "uploads": (Klass.UPLOAD,), "all": tuple(Klass)}[family]


def resolve(names: Sequence[str], policy: Policy) -> Asked:
    """Return what the steps look for where, as far as the policy allows it.

    UsageError if it allows nothing of it: that is a mistake, not an empty plan.
    """
    works: dict[tuple[str, str], Work] = {}
    withheld: set[Klass] = set()
    for name in check(names):
        allowed = []
        for klass in classes_of(name):
            if klass in policy.classes or klass == Klass.BROKEN:  # the latter is only ever reported
                allowed.append(klass)
            elif name != "all":
                withheld.add(klass)
        _spread(works, name, allowed)
    found = tuple(works.values())
    if not found:
        message = f"The policy of this folder allows nothing of: {', '.join(names)}."
        raise UsageError(message, code="cleanup_not_allowed", steps=", ".join(names))
    return Asked(found, tuple(klass for klass in Klass if klass in withheld))


def _spread(works: dict[tuple[str, str], Work], name: str, klasses: Sequence[Klass]) -> None:
    """Add the classes of one step to the folders where they are found."""
    family, _, rest = name.partition(":")
    folders: Mapping[str, tuple[str, ...]] = {layout.METADATA: tuple(layout.TYPES), layout.MEDIA: ("",)}
    types = ANY
    if family in LIBRARIES:
        names, types = LIBRARIES[family]
        folders = {layout.METADATA: names, layout.MEDIA: ("",)}
    elif family == "bundle":
        part = layout.METADATA if rest.startswith("metadata") else layout.MEDIA
        folders = {part: folders[part]}
    for part in (layout.METADATA, layout.MEDIA, CACHE):
        for folder in folders.get(part, ("",) if part == CACHE else ()):
            for klass in klasses:
                if not _fits(klass, part) or (klass == Klass.TIDY and types and part == layout.MEDIA):
                    continue  # of Media, a library's steps take pictures of its own items only
                work = works.setdefault((part, folder), Work(part, folder))
                work.add(klass, types if part == layout.MEDIA else ANY)
                if part == layout.METADATA and klass in (Klass.UNUSED, Klass.SELECTED):
                    work.add(Klass.BROKEN)


def _fits(klass: Klass, part: str) -> bool:
    """Tell whether a class is found in a part at all."""
    if part == CACHE:
        return klass == Klass.CACHE
    if part == layout.MEDIA:
        return klass in OF_MEDIA or klass in (Klass.ORPHAN, Klass.TIDY)
    return klass not in OF_MEDIA and klass != Klass.CACHE
