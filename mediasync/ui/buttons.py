"""Buttons that change something: always a POST with a token, and they work without JavaScript.

A method of a ``mediasync.ui.admin.ModelAdmin`` becomes a button by ``@button``::

    @button(_("Crawl now"), when=lambda root: root.enabled, bulk=True)
    def crawl_now(self, request, root):
        submitted = services.crawl_now(root, actor=request.user.get_username())
        return _("Job #%d was queued.") % submitted.job.pk

The method returns the message to show (or None, or a whole response) and raises from ``core.errors`` to refuse.
From that come: the address ``admin:<app>_<model>_crawl_now`` (POST only), the button in the ``row_buttons`` column and
on the page of the object, and, with ``bulk``, the action on a selection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from django.http import HttpResponseBase
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_stubs_ext import StrOrPromise

Text = StrOrPromise
Answer = Text | HttpResponseBase | None
Method = TypeVar("Method", bound=Callable[..., Answer])


@dataclass(frozen=True, slots=True)
class Button:
    """What ``@button`` remembers. ``on`` is where it stands: "row" (and the page of the object), "page" or "list"."""

    name: str
    label: Text
    on: Literal["row", "page", "list"]
    when: Callable[[Any], bool]
    permission: str
    confirm: Callable[[Any], Text] | None
    danger: bool
    bulk: bool


def button(
    label: Text,
    *,
    on: Literal["row", "page", "list"] = "row",
    when: Callable[[Any], bool] = lambda obj: True,
    permission: str = "change",
    confirm: Callable[[Any], Text] | None = None,
    danger: bool = False,
    bulk: bool = False,
) -> Callable[[Method], Method]:
    """Make the method a button.

    ``on="list"``: above the list, takes only the request; ``on="page"``: on the object's page, but not in its row.
    ``when(obj)`` hides it where it makes no sense; ``permission`` is "view", "add", "change", "delete" or a full
    "app.codename"; ``confirm(obj)`` returns the question that is asked on a page first ("" asks nothing; for a
    selection and for ``on="list"`` it is given None); ``danger`` colours it.
    """

    def mark(method: Method) -> Method:
        spec = Button(method.__name__, label, on, when, permission, confirm, danger, bulk)
        method.button_spec = spec  # type: ignore[attr-defined]
        return method

    return mark


def collect(owner: type) -> dict[str, Button]:
    """Return the buttons of a class in the order of their definition, those of its bases first."""
    found: dict[str, Button] = {}
    for base in reversed(owner.__mro__):
        for name, value in vars(base).items():
            if isinstance(spec := getattr(value, "button_spec", None), Button):
                found[name] = spec
    return found


def render(buttons: Iterable[tuple[Button, str]], of: str = "") -> SafeString:
    """Return ``(button, address)`` pairs as HTML for inside a form that holds the token (each names its own target)."""
    rendered = format_html_join(
        "",
        '<button type="submit" class="ms-button{}" formmethod="post" formaction="{}"{}>{}</button>',
        (
            (
                " ms-danger" if each.danger else "",
                address,
                format_html(' aria-label="{}: {}"', each.label, of) if of else "",
                each.label,
            )
            for each, address in buttons
        ),
    )
    return format_html('<span class="ms-buttons">{}</span>', rendered) if rendered else rendered
