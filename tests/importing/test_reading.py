from __future__ import annotations

import json
from pathlib import Path

import pytest

from mediasync.core.errors import UsageError
from mediasync.importing import plan_of
from mediasync.importing.formats import toml_tree
from mediasync.importing.reading import read
from mediasync.importing.tree import Node, Section

from .helpers import config, write


def lines_of(node: Node) -> dict[str, int | None]:
    """Return the line of each key."""
    found = {node.key: node.line}
    for each in node.value if isinstance(node.value, list) else node.mapping().values():
        found |= lines_of(each)
    return found


YAML = """top:
  list:
    - a: 1
      b: {c: true}
    - plain
  text: "x"
"""
TOML = """[top]
text = "x"
[[top.list]]
a = 1
b = { c = true }
[[top.list]]
d.e = 2
"""


def test_it_knows_the_line_of_each_key_in_yaml(tmp_path: Path) -> None:
    lines = lines_of(read(write(tmp_path, "c.yml", YAML)))
    assert (lines["top.list[0].a"], lines["top.list[0].b.c"], lines["top.list[1]"], lines["top.text"]) == (3, 4, 5, 6)


def test_it_knows_the_line_of_each_key_in_toml(tmp_path: Path) -> None:
    lines = lines_of(read(write(tmp_path, "c.toml", TOML)))
    assert (lines["top.text"], lines["top.list[0].a"], lines["top.list[0].b.c"], lines["top.list[1].d.e"]) == (
        2,
        4,
        5,
        7,
    )


def test_it_knows_the_line_of_each_key_in_json(tmp_path: Path) -> None:
    text = '{"top": {\n\t"list": [\n\t\t{"a": 1,\n\t\t "b": {"c": "\\"]}"}},\n\t\t"plain"],\n\n\t"text": "x"}}'
    tree = read(write(tmp_path, "c.json", text))
    lines = lines_of(tree)
    assert (lines["top.list[0].a"], lines["top.list[0].b.c"], lines["top.list[1]"], lines["top.text"]) == (3, 4, 5, 7)
    assert json.loads(text)["top"]["list"][0]["b"]["c"] == lines_text(tree, "top.list[0].b.c")


def lines_text(node: Node, key: str) -> str:
    if node.key == key:
        return node.text
    below = node.value if isinstance(node.value, list) else node.mapping().values()
    return next((found for each in below if (found := lines_text(each, key))), "")


def test_it_keeps_a_token_as_it_was_written(tmp_path: Path) -> None:
    top = Section(read(write(tmp_path, "c.yml", "a: 0123\nb: yes\nc: 1e3\nd: 2024-01-01\ne: 1:30\n")))
    assert [top.string(name) for name in "abcde"] == ["0123", "yes", "1e3", "2024-01-01", "1:30"]


def test_it_follows_aliases_and_merges(tmp_path: Path) -> None:
    text = "base: &base {a: 1, b: 2}\nmine:\n  <<: *base\n  b: 3\nlist: [*base]\n"
    top = read(write(tmp_path, "c.yml", text)).mapping()
    assert {name: node.text for name, node in top["mine"].mapping().items()} == {"a": "1", "b": "3"}
    assert top["list"].items()[0].mapping()["a"].text == "1"


def bomb() -> str:
    levels = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(levels)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("c.yml", "", "is empty"),
        ("c.yml", " \n\n", "is empty"),
        ("c.yml", "# only words\n", "must be a mapping"),
        ("c.yml", "- a\n- b\n", "Line 1: The file must be a mapping"),
        ("c.yml", "a: 1\n\tb: 2\n", "Line 2: There is a tab"),
        ("c.yml", "a:\n  - b\n c: 1\n", "Line 3: This is no YAML"),
        ("c.yml", "a: [1, 2\n", "This is no YAML"),
        ("c.yml", "a: 1\nb: 2\na: 3\n", "Line 3: “a” stands here twice"),
        ("c.yml", "a: 1\n---\nb: 2\n", "Line 2: A second document"),
        ("c.yml", "a: *nobody\n", "Line 1: It names an anchor that is nowhere"),
        ("c.yml", "a: !!python/object/apply:os.system [ls]\n", "does not show"),
        ("c.yml", "a: !secret token-secret\n", "Line 1: A value has a type"),
        ("c.yml", "? [1, 2]\n: x\n", "Line 1: A key must be a text"),
        ("c.yml", bomb(), "Too many values"),
        ("c.yml", "a: &a [*a]\n", "nested too deep"),
        ("c.yml", "a: " + "[" * 5000, "no YAML|too deep"),
        ("c.yml", "a: 'x\x00y'\n", "control character"),
        ("c.yml", b"a: 1\nb: \xff\xfe\n", "Line 2: This is not UTF-8"),
        ("c.yml", "a: " + "x" * 2_000_000, "larger than 1 MiB"),
        ("c.toml", "a = 1\nb = [\n", "no TOML"),
        ("c.toml", "a = 1\na = 2\n", "Line 2: This is no TOML"),
        ("c.json", '{"a": 1,\n "b": }', "Line 2: This is no JSON"),
        ("c.json", '{"a": 1,\n "a": 2}', "Line 2: “a” stands here twice"),
        ("c.json", '{"targets":\n {"\\ud800": {"type": "plex"}}}', "Line 2: A key holds a character"),
        ("c.yml", 'triggers: {"a\\0b": {type: sonarr}}', "Line 1: A key holds a character"),
        ("c.json", "[" * 100_000, "too deep|no JSON"),
        ("c.json5", "{a: 1}", "Convert it"),
        ("c.ini", "[a]", "Convert it"),
    ],
)
def test_it_says_what_is_wrong_with_a_file(tmp_path: Path, name: str, text: str | bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        plan_of(write(tmp_path, name, text))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("line", ["token: very-secret: x", 'token: "very-secret', "token: 'very-secret\n  - x"])
def test_it_never_shows_the_text_of_a_broken_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_of(write(tmp_path, "c.yml", f"port: 1\n{line}\n"))
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "triggers: [1, 2]\n",
        "triggers: {sonarr: very-secret}\n",
        "minimum-age: very-secret\n",
        "minimum-age: {a: 1}\n",
        "minimum-age: -5s\n",
        "targets: {plex: [{url: [very-secret], token: x}]}\n",
        "targets: {plex: [{url: 'http://x', token: {very-secret: 1}}]}\n",
        "triggers: {inotify: [{paths: [[1]]}]}\n",
    ],
)
def test_it_refuses_a_value_of_another_type_with_its_line_and_not_its_value(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"Line 2: “.*” must be") as caught:
        plan_of(write(tmp_path, "c.yml", "port: 1\n" + text), "autoscan")
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize("folder", ["none.yml", "."])
def test_it_says_why_a_file_cannot_be_opened(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UsageError, match=r"No such file|Is a directory"):
        read(tmp_path / folder)


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_it_reads_a_file_with_a_mark(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path, "c.yml", "cd2: {host: 电视}\n".encode(codec))
    assert Section(read(path)).section("cd2").string("host") == "电视"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("autoscan.yml", "autoscan"), ("autopulse.yaml", "autopulse"), ("pps.yaml", "pps"), ("pps-old.yaml", "pps")],
)
def test_it_sees_whose_file_it_is(tmp_path: Path, name: str, kind: str) -> None:
    assert plan_of(config(name, tmp_path)).kind == kind


def test_it_asks_when_a_file_does_not_show_whose_it_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--kind"):
        plan_of(write(tmp_path, "c.yml", "port: 3030\n"))
    assert plan_of(write(tmp_path, "c.yml", "port: 3030\n"), "autoscan").kind == "autoscan"


def test_a_number_of_thousands_of_digits_is_no_toml() -> None:
    with pytest.raises(UsageError):
        toml_tree("a = " + "1" * 5000)
