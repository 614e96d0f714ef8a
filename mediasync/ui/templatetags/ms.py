"""The pieces of ``mediasync.ui.render`` for templates: ``{% load ms %}``."""

from __future__ import annotations

from typing import Any

from django import template

from mediasync.ui import render

register = template.Library()
register.simple_tag(render.badge, name="badge")
register.simple_tag(render.bar, name="bar")
register.filter("age", render.age)
register.filter("duration", render.duration)
register.filter("path", render.path)


@register.simple_tag
def filters_below_tabs(cl: Any) -> list[Any]:
    """Return the filters of a change list that do not stand above it as tabs."""
    return [spec for spec in cl.filter_specs if not getattr(spec, "tabs", False)]
