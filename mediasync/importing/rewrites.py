"""Rewrites of other programs as our mapping rules.

autoscan (Go) and autopulse (Rust) search ``from`` anywhere in a path and replace every place. Our rules match from the
start, once. What they say of a folder becomes a plain rule; the rest becomes a regular expression, or is refused with
a reason where Python's expressions mean something else.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mediasync.core import foreign
from scanning import mapping

_GROUP = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))?")
_FOREIGN = re.compile(r"\[\[:|\\[pPQEC]|\(\?[a-zA-Z]*U|\[[^\]]*(?:&&|--|~~)")  # what Python lacks or reads otherwise
_ESCAPED = re.compile(r"\\(.)", re.S)
_SPECIAL = re.compile(r"[.^$*+?()\[\]{}|\\]")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rule, not yet of a source or a server."""

    pattern: str
    replacement: str
    regex: bool = False


def from_regex(source: str, target: str) -> Rewrite:
    """Return the rule for a pair of ``from`` and ``to``. ValueError says why there is none."""
    rest = re.fullmatch(r"(.*/)\(\.\*\)\$?", source)
    if rest and (end := re.fullmatch(r"(.*/)(?:\$1|\$\{1\})", target)):
        return from_regex(rest.group(1), end.group(1))  # "^/tv/(.*)" → "/media/$1" says no more than "/tv/" → "/media/"
    folder = literal(source)
    if folder is not None and "$" not in target.replace("$$", ""):
        plain = _folders(folder, target.replace("$$", "$"))
        if plain:
            return plain
    return _expression(source, target)


def from_prefix(source: str, target: str) -> Rewrite:
    """Return the rule for a plain pair of folders. ValueError says what is wrong with them."""
    mapping.check(source, target, regex=False)
    return Rewrite(foreign.normalise(source), foreign.normalise(target))


def literal(expression: str) -> str | None:
    """Return the absolute path that an expression stands for; None if it is more than that."""
    text = expression.removeprefix("^")
    bare = _ESCAPED.sub("", text)
    classes = any(found.group(1).isalnum() for found in _ESCAPED.finditer(text))  # \d, \w …
    if classes or _SPECIAL.search(bare.replace(".", "")):
        return None  # a dot in a path is meant as a dot
    path = _ESCAPED.sub(r"\1", text)
    return path if path.startswith("/") or foreign.is_windows(path) else None


def _folders(source: str, target: str) -> Rewrite | None:
    """Return a plain rule if both name folders in the same way (both with a slash at the end, or both without)."""
    ends = (source[-1:] in "/\\", target[-1:] in "/\\" or not target)
    if ends[0] and not ends[1]:
        return None  # "/tv/" → "/media" glues names together: an expression keeps that
    try:
        return from_prefix(source, target or "/")
    except ValueError:
        return None


def _expression(source: str, target: str) -> Rewrite:
    pattern = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", source).replace(r"\z", r"\Z")
    if _FOREIGN.search(pattern):
        raise ValueError(_("Python reads this expression in another way"))
    compiled = _compile(pattern)
    shift = 0
    flags, body = re.fullmatch(r"(\(\?[ims]+\))?(.*)", pattern, re.S).groups("")  # type: ignore[union-attr]
    if not body.startswith(("^", "/", ".*", r"\/", "(/", "(?:/", "(^", "(?:^")):
        pattern, shift = f"{flags}^(.*?)(?:{body})", 1  # found anywhere: what stands before it is kept
        compiled = _compile(pattern)
    replacement = ("$1" if shift else "") + _template(target, compiled, shift)
    mapping.check(pattern, replacement, regex=True)
    return Rewrite(pattern, replacement, regex=True)


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "possible nested set": it will mean something else one day
            return re.compile(pattern)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ValueError(_("it is no regular expression for Python (%s)") % error) from None


def _template(target: str, compiled: re.Pattern[str], shift: int) -> str:
    """Return a replacement as ours: $1 … $9 and ${name}; a group that does not exist is empty."""

    def one(found: re.Match[str]) -> str:
        braced, bare = found.groups()
        name = braced or bare
        if not name:
            return "$$"  # "$$", or a dollar before something else: itself
        if name.isascii() and name.isdecimal():
            number = int(name) + shift if int(name) else 0
            if number > 9:
                raise ValueError(_("it uses more than nine groups"))
            return f"${number}" if number <= compiled.groups else ""
        if name[0].isdecimal():
            raise ValueError(
                _("“$%(name)s” names a group of that name, not group %(digit)s: write ${%(digit)s}")
                % {"name": name, "digit": name[0]}
            )
        return f"${{{name}}}" if name in compiled.groupindex else ""

    return _GROUP.sub(one, target)


def compose(first: Rewrite, rules: list[Rewrite]) -> Rewrite:
    """Return one rule that does what ``first`` does and then the first of ``rules`` that matches its result.

    Only folders can be followed; ValueError for anything else.
    """
    if first.regex:
        raise ValueError(_("only plain folders can be followed through two rewrites"))
    middle = foreign.split(first.replacement)
    for rule in rules:
        if rule.regex:
            raise ValueError(_("only plain folders can be followed through two rewrites"))
        if (rest := middle.below(foreign.split(rule.pattern))) is not None:
            root, above = foreign.split(rule.replacement)
            return Rewrite(first.pattern, str(foreign.Split(root, (*above, *rest))))
        if foreign.split(rule.pattern).below(middle) is not None:
            raise ValueError(_("a later rewrite takes only a part of it"))
    return first
