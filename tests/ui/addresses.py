"""Every address of the project, with arguments that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse

WORDS = {"app_label": "jobs", "kind": "demo", "uidb64": "x", "token": "x", "content_type_id": 1, "url": "nothing/"}
GUESSES = {"item": "jobs.Item"}


def patterns(found: Any = None, spaces: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    """Yield (full name, pattern) of all addresses that have a name."""
    for each in get_resolver().url_patterns if found is None else found:
        if isinstance(each, URLResolver):
            inner = (*spaces, each.namespace) if each.namespace else spaces
            yield from patterns(each.url_patterns, inner)
        elif each.name:
            yield ":".join((*spaces, each.name)), each


def addresses(rows: Mapping[str, Model]) -> Iterator[str]:
    """Yield each address once, its arguments taken from ``rows`` (label → row)."""
    labels = {label.lower().replace(".", "_"): label for label in rows}
    for name, pattern in patterns():
        last = name.rpartition(":")[2]
        own = next((label for key, label in labels.items() if last.startswith(key + "_")), "")
        arguments = {}
        for argument in pattern.pattern.regex.groupindex:
            label = GUESSES.get(argument, own)
            known = WORDS.get(argument) if argument in WORDS else (rows[label].pk if label else 1)
            arguments[argument] = known
        yield reverse(name, kwargs=arguments)
