"""The pieces of ``mediasync.ui.render`` for templates: ``{% load ms %}``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from mediasync.ui import render

register = template.Library()
register.simple_tag(render.badge, name="badge")
register.simple_tag(render.bar, name="bar")
register.filter("age", render.age)
register.filter("duration", render.duration)
register.filter("path", render.path)


NOTHING = (">–</td>", ">-</td>")  # how the cell of an empty value ends


@register.filter
def labelled(cells: Iterable[SafeString], headers: Iterable[Mapping[str, Any]]) -> Iterator[SafeString]:
    """Yield the cells of a row, each that needs it with the label of its column for phones (``data-label``).

    The first column names the row, and buttons say themselves what they do. A cell is what Django made of it:
    ``<td class=…>…</td>``, or ``<th …``.
    """
    named = False
    for cell, header in zip(cells, headers, strict=True):
        tag, rest = SafeString(cell[:3]), SafeString(cell[3:])
        if "action-checkbox" in header["class_attrib"]:
            yield cell
        elif not named or tag == "<th" or "row_buttons" in header["class_attrib"]:
            named = True
            yield cell
        elif cell.endswith(NOTHING):
            yield format_html("{} data-none{}", tag, rest)
        else:
            yield format_html('{} data-label="{}"{}', tag, capfirst(str(header["text"])), rest)


@register.simple_tag
def filters_below_tabs(cl: Any) -> list[Any]:
    """Return the filters of a change list that do not stand above it as tabs."""
    return [spec for spec in cl.filter_specs if not getattr(spec, "tabs", False)]
