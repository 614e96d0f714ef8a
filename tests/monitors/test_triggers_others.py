"""CloudDrive2, A-Train, autoscan, autopulse and programs that nobody has heard of."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import pytest

from monitors.triggers import KINDS, Received, Rejected
from tests.monitors.hooking import read, said


def drive(*items: dict[str, Any]) -> dict[str, Any]:
    return {"event_category": "file_system_watcher", "event_name": "notify", "data": list(items)}


def item(action: str, source: str, destination: str = "", is_dir: Any = "false") -> dict[str, Any]:
    return {"action": action, "is_dir": is_dir, "source_file": source, "destination_file": destination}


# -- CloudDrive2


def test_it_reads_what_clouddrive2_pushes() -> None:
    parsed = read("clouddrive2", drive(item("Create", "/115/a.mkv"), item("delete", "/115/B", is_dir="True")))
    assert said(parsed) == ["+/115/a.mkv", "-/115/B"]
    assert [notice.is_dir for notice in parsed.notices] == [False, True]
    assert parsed.event == "create, delete"


def test_it_groups_each_rename_of_clouddrive2() -> None:
    parsed = read("clouddrive2", drive(item("rename", "/115/a", "/115/b"), item("rename", "/115/c", "/115/d")))
    groups = [notice.group for notice in parsed.notices]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert said(read("clouddrive2", drive(item("rename", "/115/a")))) == ["-/115/a"]


def test_it_ignores_what_else_clouddrive2_tells() -> None:
    mount = {"event_name": "notify", "data": [{"action": "mount", "mount_point": "/mnt"}]}
    assert read("clouddrive2", mount).code == "call_event_unknown"
    assert read("clouddrive2", drive()).code == "call_event_without_change"
    with pytest.raises(Rejected, match="call_no_event"):
        read("clouddrive2", {"a": 1})


@pytest.mark.parametrize("name", ['The "Best" Of', "back\\slash \\d", 'a", "b', "tab\there", "new\nline", "“”"])
def test_it_repairs_names_that_the_template_did_not_escape(name: str) -> None:
    form = '{"event_name": "notify", "data": [\n {"action": "rename", "is_dir": "true", "source_file": "/115/%s",'
    form += ' "destination_file": "/115/TV/%s"},\n {"action": "create", "source_file": "/115/x"}\n]}\n'
    parsed = read("clouddrive2", form % (name, name))
    assert said(parsed) == [f"-/115/{name}", f"+/115/TV/{name}", "+/115/x"]
    assert parsed.notices[0].is_dir is True


def test_it_repairs_nothing_that_was_cut_off() -> None:
    body = json.dumps(drive(item("rename", '/115/"a', "/115/b"))).replace('\\"', '"')
    assert said(read("clouddrive2", body)) == ['-/115/"a', "+/115/b"]
    for end in range(10, len(body) - 1):
        with pytest.raises(Rejected):
            read("clouddrive2", body[:end])


# -- A-Train


def test_it_reads_what_a_train_saw() -> None:
    parsed = read("atrain", {"created": ["/TV/New"], "deleted": ["/TV/Old", 7]})
    assert (said(parsed), parsed.code) == (["+/TV/New", "-/TV/Old"], "call_some_bad_paths")
    assert read("atrain", {"created": [], "deleted": None}).code == "call_event_without_change"


# -- autoscan, autopulse


@pytest.mark.parametrize("kind", ["autoscan", "autopulse", "generic"])
def test_it_reads_paths_of_a_query(kind: str) -> None:
    parsed = read(kind, b"", query="dir=%2FTV%2F..%2FTV%2FShow%20%26%201&dir=/Movies//M/&dir=&x=/no")
    assert said(parsed) == ["+/TV/Show & 1", "+/Movies/M"]
    assert parsed.notices[0].is_dir is None


def test_it_keeps_the_hash_of_autopulse() -> None:
    parsed = read("autopulse", b"", query="path=/TV/a.mkv&hash=e3b0c442")
    assert (said(parsed), parsed.params) == (["+/TV/a.mkv"], {"hash": "e3b0c442"})


def test_it_reads_a_form() -> None:
    form = "application/x-www-form-urlencoded"
    assert said(read("autoscan", "dir=%2Fa+b&dir=%2Fc", content_type=form)) == ["+/a b", "+/c"]
    packed = f"payload={quote(json.dumps({'eventType': 'Rename', 'movie': {'folderPath': '/m'}}))}"
    assert said(read("radarr", packed, content_type=form)) == ["+/m"]
    assert said(read("radarr", '{"eventType": "Rename", "movie": {"folderPath": "/m"}}', content_type=form)) == ["+/m"]


def test_it_keeps_names_that_are_no_unicode() -> None:
    (notice,) = read("autoscan", b"", query="dir=/a%FF").notices
    assert notice.path == "/a\U0010dcff"


# -- Any other


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"path": "/a"}, ["+/a"]),
        ({"Paths": ["/a", "/b/"]}, ["+/a", "+/b"]),
        ("/a", ["+/a"]),
        (["/a", {"path": "/b", "action": "deleted"}], ["+/a", "-/b"]),
        (
            {"Updates": [{"Path": "/a", "UpdateType": "Created"}, {"Path": "/b", "UpdateType": "Deleted"}]},
            ["+/a", "-/b"],
        ),
        ({"created": ["/a"], "modified": "/m", "deleted": ["/b"]}, ["+/a", "+/m", "-/b"]),
        ({"event": "done", "path": "/a.mkv", "original_path": "/a.avi", "dir": ""}, ["-/a.avi", "+/a.mkv"]),
        ({"files": [{"old_path": "/a", "new_path": "/b"}]}, ["-/a", "+/b"]),
        (drive(item("delete", "/115/a")), ["-/115/a"]),
    ],
)
def test_it_reads_bodies_of_any_program(body: Any, wanted: list[str]) -> None:
    assert said(read("generic", json.dumps(body))) == wanted


def test_it_reads_lines_of_text() -> None:
    assert said(read("generic", "/a b\r\n/c\n\n")) == ["+/a b", "+/c"]
    assert read("generic", "/a\nno path\n").params == {"bad": 1}


@pytest.mark.parametrize("event", ["Test", "test", "TEST_NOTIFICATION"])
def test_it_queues_nothing_for_a_test(event: str) -> None:
    for key in ("event", "eventType", "notification_type"):
        assert read("generic", {key: event, "path": "/a"}).code == "call_event_without_change"


def test_it_ignores_news_without_a_path() -> None:
    assert read("generic", {"notification_type": "MEDIA_PENDING", "subject": "x"}).code == "call_event_unknown"
    for body in ({}, {"foo": 1}, [], 7, None, ""):
        with pytest.raises(Rejected, match=r"call_no_path|call_bad_path"):
            read("generic", json.dumps(body))


def test_it_counts_too_many_paths_as_a_mistake() -> None:
    with pytest.raises(Rejected, match="call_too_many_paths"):
        read("generic", json.dumps([f"/{number}" for number in range(50_001)]))


def test_it_says_for_each_kind_where_its_address_belongs() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name and str(kind.where) and kind.label
    assert PurePosixPath(read("generic", {"path": "/a/b"}).notices[0].path).name == "b"
    assert Received().fields == []


# -- As their templates write it

CD2 = """{
  "device_name": "nas", "user_name": "me", "version": "0.8.5", "event_category": "%s", "event_name": "%s",
  "event_time": "1718000000", "send_time": "1718000001",
  "data": [
    { %s }
  ]
}
"""


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (
            '"action": "create", "is_dir": "true", "source_file": "/115/TV/剧集", "destination_file": ""',
            ["+/115/TV/剧集"],
        ),
        ('"action": "create", "is_dir": true, "source_file": "/115/a.mkv"', ["+/115/a.mkv"]),
        ('"action": "delete", "is_dir": "false", "source_file": "/115/a.mkv", "destination_file": ""', ["-/115/a.mkv"]),
        (
            '"action":"rename","is_dir":"false","source_file":"/115/In/a.mkv","destination_file":"/115/TV/a.mkv"',
            ["-/115/In/a.mkv", "+/115/TV/a.mkv"],
        ),
        (
            '"action": "rename", "is_dir": "true", "source_file": "/115/"Q" \\d", "destination_file": "/115/Q\\"',
            ['-/115/"Q" \\d', "+/115/Q\\"],
        ),
    ],
)
def test_it_reads_the_template_of_clouddrive2(fields: str, wanted: list[str]) -> None:
    assert said(read("clouddrive2", CD2 % ("file_system", "notify", fields))) == wanted


def test_it_ignores_that_clouddrive2_mounts() -> None:
    fields = '"action": "mount", "mount_point": "/CloudNAS", "status": "true", "reason": ""'
    for hook in ("clouddrive2", "generic"):
        parsed = read(hook, CD2 % ("mount_point", "mount", fields))
        assert (parsed.notices, parsed.code) == ((), "call_event_unknown")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"path": "/m/film.mp4"}, ["+/m/film.mp4"]),
        ({"path": "/m/film.mp4", "original_path": "/m/film.mkv"}, ["-/m/film.mkv", "+/m/film.mp4"]),
        ({"path": "/m/film.mkv", "original_path": "/m/film.mkv", "dir": ""}, ["+/m/film.mkv"]),
        ({"path": " \t", "original_path": "/m/film.mkv", "dir": ""}, ["-/m/film.mkv"]),
        ({"dir": "/m/Show/Season 1/", "libraryId": "x", "metadata": {"codec": "hevc"}}, ["+/m/Show/Season 1"]),
    ],
)
def test_it_reads_tdarr_at_a_hook_of_autopulse(body: dict[str, Any], wanted: list[str]) -> None:
    assert said(read("autopulse", body)) == wanted


@pytest.mark.parametrize("body", [{}, {"path": ""}, {"path": " \t", "dir": None}])
def test_it_rejects_tdarr_without_a_path(body: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        read("autopulse", body)
