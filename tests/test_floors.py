"""A module imports from lower floors and its own package, never sideways or up (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
FLOORS: list[tuple[str, ...]] = [
    ("mediasync.core",),
    ("mediasync.jobs",),
    ("mediasync.servers", "mediasync.notify"),
    ("monitors", "cleanup", "catalog"),
    ("scanning",),
    ("mediasync",),  # settings, urls, wiring …: may import everything
]
PRESENTATION = {"admin", "views", "api", "urls", "forms", "apps", "templatetags"}
PARTS = ("admin_", "views_", "forms_")  # of a large admin.py, views.py or forms.py
SKIN = "mediasync.ui"
DJANGO_Q = {"mediasync.jobs.courier", "mediasync.jobs.management.commands.worker"}
PLAIN = ("mediasync.core", "mediasync.servers.clients", "monitors.listers", "monitors.walk", "monitors.filters")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")


def modules() -> list[Path]:
    packages = {floor.split(".")[0] for names in FLOORS for floor in names}
    found = [path for package in sorted(packages) for path in (TOP / package).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def floor_of(module: str) -> tuple[int, str] | None:
    """Return (floor, package) of our own modules; the skin and foreign packages have none."""
    if module == SKIN or module.startswith(SKIN + "."):
        return None
    for number, names in enumerate(FLOORS):
        for name in names:
            if module == name or module.startswith(name + "."):
                return number, name
    return None


def imports_of(path: Path) -> Iterator[str]:
    """Yield every module imported anywhere in the file, also inside functions; relative ones made absolute."""
    here = module_name(path)
    package = here if path.name == "__init__.py" else here.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_presentation(module: str) -> bool:
    stems = set(module.split("."))
    return bool(stems & PRESENTATION) or "management" in stems or any(stem.startswith(PARTS) for stem in stems)


all_modules = pytest.mark.parametrize("path", modules(), ids=module_name)


@all_modules
def test_it_imports_only_from_lower_floors(path: Path) -> None:
    here = floor_of(module_name(path))
    for name in imports_of(path):
        there = floor_of(name)
        if here and there and here[1] != there[1]:
            assert there[0] < here[0], f"{module_name(path)} must not import {name}"


@all_modules
def test_it_keeps_the_admin_and_the_skin_in_presentation_modules(path: Path) -> None:
    module = module_name(path)
    if is_presentation(module) or module.startswith(SKIN) or floor_of(module) == (len(FLOORS) - 1, "mediasync"):
        return
    for name in imports_of(path):
        assert not name.startswith(("django.contrib.admin", SKIN)), f"{module} must not import {name}"


@all_modules
def test_it_lets_nobody_import_presentation_modules(path: Path) -> None:
    module = module_name(path)
    if is_presentation(module) or module.startswith("mediasync.urls"):
        return
    for name in imports_of(path):
        there = floor_of(name)
        if there and not name.startswith(SKIN):
            assert not (TOP / (name.replace(".", "/") + ".py")).exists() or not is_presentation(name), (
                f"{module} must not import {name}"
            )


@all_modules
def test_it_knows_django_q_only_in_the_courier(path: Path) -> None:
    module = module_name(path)
    if module in DJANGO_Q or module == "mediasync.settings":
        return
    names = [name for name in imports_of(path) if name.split(".")[0] == "django_q"]
    assert not names or module.startswith(SKIN), f"{module} imports {names}; only courier.py and worker.py may"


@all_modules
def test_it_keeps_plain_modules_free_of_django(path: Path) -> None:
    module = module_name(path)
    if not module.startswith(PLAIN):
        return
    names = [name for name in imports_of(path) if name.split(".")[0] == "django"]
    assert not names, f"{module} is plain Python, but imports {names}"
