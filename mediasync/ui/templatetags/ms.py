"""The pieces of ``mediasync.ui.render`` for templates: ``{% load ms %}``."""

from __future__ import annotations

from django import template

from mediasync.ui import render

register = template.Library()
register.simple_tag(render.badge, name="badge")
register.simple_tag(render.bar, name="bar")
register.filter("age", render.age)
register.filter("duration", render.duration)
register.filter("path", render.path)
