"""scripts/mediasync_biff.py: it finds the name, asks, and never loses a mail."""

from __future__ import annotations

import ast
import email
import email.policy
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import mediasync_biff as biff
from tests.ondemand import mails

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "mediasync_biff.py"
RESULT = "Plex · TV Shows: /tv/My Fancy Show (waiting)"


class Heard(http.server.BaseHTTPRequestHandler):
    """Remembers what it is asked; answers 202, or what the name says."""

    asked: list[tuple[str, str, str]]

    def do_POST(self) -> None:
        name = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["name"][0]
        self.asked.append((self.path, self.headers["Authorization"], name))
        status = 302 if name.startswith("Redirect") else 404 if name.startswith("Unknown") else 202
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/stolen")
        self.end_headers()
        self.wfile.write(f"{RESULT}\n".encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def heard() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    asked: list[tuple[str, str, str]] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Heard,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()
    thread.join(10)


def run(mail: bytes, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the script as procmail does: isolated, with nothing but what is named here."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), *arguments]
    return subprocess.run(command, input=mail, env=environment, capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize("mail", mails.ALL)
def test_it_finds_the_name(mail: bytes) -> None:
    assert biff.names_in(mail) == [mails.FILE]


def test_it_finds_names_of_other_programs() -> None:
    assert biff.names_in(mails.QBITTORRENT) == ["A & B (2020) [1080p]"]
    assert biff.names_in(b'Subject: x\n\nDone: "Film 2001.mkv" and ready.\nShow S01E01.mkv\n') == [
        "Film 2001.mkv",
        "Show S01E01.mkv",
    ]
    assert biff.names_in(mails.QUIET) == []
    assert biff.names_in(b"Subject: x\n\nloaded <<Film>> now\n", patterns=["<<(.+?)>>"]) == ["Film"]


def test_it_leaves_other_locations_alone() -> None:
    assert biff.names_in(mails.SYNOLOGY, locations=["video"]) == [mails.FILE]
    assert biff.names_in(mails.SYNOLOGY, locations=["Music"]) == []


@given(st.binary(max_size=300))
def test_it_takes_any_bytes(mail: bytes) -> None:
    assert len(biff.names_in(mail)) <= biff.MOST_NAMES
    assert len(biff.with_result(mail, "x")) > len(mail)


@pytest.mark.parametrize("mail", [*mails.ALL, mails.QBITTORRENT])
def test_it_shows_the_result_where_a_reader_sees_it(mail: bytes) -> None:
    shown = biff.with_result(mail, RESULT)
    if mail is mails.BODY:
        assert shown.startswith(mail)
        assert RESULT.encode() in shown
        return
    before, after = (email.message_from_bytes(each, policy=email.policy.default) for each in (mail, shown))
    assert {**after} | {**before} == {**after}
    if after.get_content_type() == "text/html":
        assert RESULT in str(after["X-Mediasync"])
        return
    texts = [part.get_content() for part in after.walk() if part.get_content_type() == "text/plain"]
    assert "TV Shows: /tv/My Fancy Show" in texts[-1]
    assert not after.defects
    if b"multipart" in mail:
        assert [part.get_content_type() for part in after.iter_parts()][:2] == [
            "text/plain",
            "application/octet-stream",
        ]


def test_it_asks_and_echoes_with_the_result(heard: Any) -> None:
    url, asked = heard
    done = run(mails.SYNOLOGY, "-e", MEDIASYNC_URL=url + "/", MEDIASYNC_TOKEN="secret")
    assert asked == [("/update/from_name/", "Bearer secret", mails.FILE)]
    assert done.returncode == 0
    assert done.stdout.startswith(mails.SYNOLOGY)
    assert RESULT.replace("·", "?").encode() in done.stdout  # its charset is ASCII
    assert b"secret" not in done.stdout + done.stderr


def test_it_reads_the_token_from_a_file(heard: Any, tmp_path: Path) -> None:
    url, asked = heard
    (tmp_path / "token").write_text("of-a-file\n")
    done = run(mails.SYNOLOGY, MEDIASYNC_URL=url, MEDIASYNC_TOKEN_FILE=str(tmp_path / "token"))
    assert (done.returncode, asked[0][1]) == (0, "Bearer of-a-file")
    assert done.stdout.decode().startswith(mails.FILE)


@pytest.mark.parametrize("name", [b"Redirect.mkv", b"Unknown.mkv"])
def test_it_says_what_was_refused_and_follows_no_redirect(heard: Any, name: bytes) -> None:
    mail = mails.SYNOLOGY.replace(mails.FILE.encode(), name)
    url, asked = heard
    done = run(mail, "-e", MEDIASYNC_URL=url, MEDIASYNC_TOKEN="secret")
    assert (done.returncode, len(asked)) == (0, 1)
    assert done.stdout.startswith(mail)
    assert b"failed: " + (b"302" if name.startswith(b"R") else b"404") in done.stdout
    assert run(mail, MEDIASYNC_URL=url, MEDIASYNC_TOKEN="secret").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ([], {}),
        (["--no-such-option"], {}),
        (["--timeout", "soon"], {}),
        (["--pattern", "(("], {"MEDIASYNC_URL": "http://127.0.0.1:9", "MEDIASYNC_TOKEN": "x"}),
        ([], {"MEDIASYNC_URL": "file:///etc/passwd", "MEDIASYNC_TOKEN": "x"}),
        ([], {"MEDIASYNC_URL": "http://127.0.0.1:9", "MEDIASYNC_TOKEN": "x"}),
        (["-he"], {}),
        (["--help"], {}),
        (["--ech"], {}),
        ([], {"MEDIASYNC_URL": "http://[::1", "MEDIASYNC_TOKEN_FILE": "/no/such/file"}),
    ],
)
def test_it_never_loses_the_mail(arguments: list[str], environment: dict[str, str]) -> None:
    done = run(mails.SYNOLOGY, "-e", *arguments, **environment)
    assert done.returncode == 0
    assert done.stdout.startswith(mails.SYNOLOGY)


@pytest.mark.parametrize(
    "mail", [b"", b"\0\xff" * 1000, b"Subject: =?x-none?b?!!?=\nContent-Type: multipart/mixed\n\n"]
)
def test_it_never_loses_what_is_hardly_a_mail(mail: bytes) -> None:
    done = run(mail, "-e")
    assert done.returncode == 0
    assert mail in done.stdout


@pytest.mark.parametrize("flag", ["-e", "-eh", "--echo"])
def test_it_sees_the_wish_for_an_echo_in_every_form(flag: str) -> None:
    assert run(mails.SYNOLOGY, flag).stdout.startswith(mails.SYNOLOGY)


def test_it_puts_no_token_into_a_mail(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first-line\nsecond-line\n")
    file = {"MEDIASYNC_URL": "http://127.0.0.1:9", "MEDIASYNC_TOKEN_FILE": str(tmp_path / "token")}
    done = run(mails.SYNOLOGY, "-e", **file)
    assert done.stdout.startswith(mails.SYNOLOGY)
    assert b"-line" not in done.stdout + done.stderr


def test_it_never_loses_a_mail_of_50_megabytes(heard: Any) -> None:
    url, asked = heard
    head, body = mails.SYNOLOGY.split(b"\n\n", 1)
    mail = head + b"\n\n" + body + b"x" * 75 + b"\n" + (b"y" * 75 + b"\n") * 700_000
    done = run(mail, "-e", MEDIASYNC_URL=url, MEDIASYNC_TOKEN="secret")
    assert [each[2] for each in asked] == [mails.FILE]
    assert done.stdout.endswith(body + mail.removeprefix(mails.SYNOLOGY))
    assert email.message_from_bytes(done.stdout)["X-Mediasync"]


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_it_never_loses_the_mail_where_no_errors_can_be_written(closed: str) -> None:
    command = ["/bin/sh", "-c", f'exec "$0" -I "$1" -e --no-such-option {closed}', sys.executable, str(SCRIPT)]
    done = subprocess.run(command, input=mails.SYNOLOGY, stdout=subprocess.PIPE, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, mails.SYNOLOGY)


@pytest.mark.parametrize("closed", [">/dev/full", ">&-"])
def test_it_says_that_the_mail_could_not_be_written(closed: str) -> None:
    command = ["/bin/sh", "-c", f'exec "$0" -I "$1" -e {closed}', sys.executable, str(SCRIPT)]
    done = subprocess.run(command, input=mails.SYNOLOGY, stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode != 0  # and procmail keeps the mail as it was


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: x\nContent-Type: text/html\n\n" + b"<br" * 300_000,
        b"Subject: x\nContent-Type: text/html\n\n" + b"<" * 1_000_000,
        b"Subject: x\n\nFile:" + b"\t" * 1_000_000 + b"\n\n",
        b"Subject: x\n\n" + "“".encode() * 300_000,
        b"Subject: x\n\n" + b"".join(b"%d.mkv\n" % number for number in range(100_000)),
        b"Subject: " + b"=?utf-8?q?a?= " * 70_000 + b"\n\nx",
    ],
    ids=["br", "angles", "tabs", "quotes", "names", "subject"],
)
def test_no_mail_takes_for_ever(mail: bytes) -> None:
    assert len(biff.names_in(mail)) in (0, biff.MOST_NAMES)  # each took minutes, some hours


def test_it_is_not_ended_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM)}
    monkeypatch.setattr(biff, "result_for", ended)
    try:
        assert biff._answer(b"mail", ["-e"], True) == (b"mail", False)
        os.kill(os.getpid(), signal.SIGTERM)  # while the mail is written
    finally:
        signal.alarm(0)
        for each, handler in before.items():
            signal.signal(each, handler)


def test_it_writes_the_mail_when_it_is_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-I", str(SCRIPT), "-e"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"MEDIASYNC_URL": url, "MEDIASYNC_TOKEN": "x"},
        )
        assert process.stdin
        process.stdin.write(mails.SYNOLOGY)
        process.stdin.close()
        process.stdin = None
        silent.settimeout(60)
        connection, _address = silent.accept()
        os.kill(process.pid, signal.SIGTERM)
        output, _errors = process.communicate(timeout=60)
        connection.close()
    assert output == mails.SYNOLOGY
    assert process.returncode == 0


def test_it_is_one_file_for_python_3_8_and_the_standard_library() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names
    new = {"removeprefix", "removesuffix"}  # of 3.9
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in new]
