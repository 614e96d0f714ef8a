from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mediasync.core.errors import Stop, Transient, UsageError, WorkError
from monitors.accounts import rclone_mounts as mounts
from monitors.accounts import services
from monitors.accounts.rclone import RCLONE, check
from monitors.models import Account

from .daemon import Daemon


def rest(seconds: float) -> bool:
    """Wait, as a feed does, and never give up."""
    time.sleep(seconds)
    return False


def test_it_runs_a_command_without_a_shell_and_returns_what_it_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for others")
    assert mounts.run(["printf", "%s;", "a b", "$HOME", "*"], rest) == "a b;$HOME;*;"
    assert "SECRET_KEY" not in mounts.run(["env"], rest)
    assert mounts.run(["printf", r"\0\377ok"], rest) == "\ufffdok"
    assert len(mounts.run([sys.executable, "-c", "print('x' * 100000)"], rest)) == mounts.KEPT - 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["/nobody/here"], "rclone_no_command"),
        (["a\0b"], "rclone_no_command"),
        (["sh", "-c", "echo why >&2; exit 3"], "rclone_command_failed"),
    ],
)
def test_it_says_why_a_command_failed(command: list[str], code: str) -> None:
    with pytest.raises(WorkError) as raised:
        mounts.run(command, rest)
    assert raised.value.code == code and raised.value.params["error"]


def test_it_ends_a_command_that_does_not_end() -> None:
    with pytest.raises(Transient) as raised:
        mounts.run(["sh", "-c", "echo $$; sleep 600"], rest, seconds=0.5)
    assert raised.value.code == "rclone_command_slow"
    with pytest.raises(ProcessLookupError):
        os.kill(int(raised.value.params["error"]), 0)


def test_it_ends_a_command_when_it_is_to_stop_itself() -> None:
    with pytest.raises(Stop):
        mounts.run(["sleep", "600"], lambda seconds: True)


def test_it_ends_a_command_whatever_interrupts_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def interrupted(seconds: float) -> bool:
        time.sleep(seconds)
        if note.exists() and note.read_text().endswith("\n"):
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        mounts.run(["sh", "-c", f"echo $$ > {note}; exec sleep 600"], interrupted)
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_it_does_not_wait_for_what_a_command_leaves_running() -> None:
    said = mounts.run(["sh", "-c", "setsid sleep 300 & echo $!"], rest)
    os.kill(int(said), 9)


def test_it_knows_what_became_of_a_mount(mounted: Daemon, point: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(point)
    assert mounts.state_of(str(point)) == mounts.state_of(str(link)) == "there"
    assert mounts.state_of(str(tmp_path)) == mounts.state_of(str(tmp_path / "none")) == "lost"
    mounted.kill()
    assert mounts.state_of(str(point)) == "stale"
    mounts.clear(str(point))
    assert mounts.state_of(str(point)) == "lost"


@pytest.mark.django_db
def test_it_mounts_again_by_command_what_a_dead_rclone_left(
    mounted: Daemon, binary: Path, behind: Path, point: Path
) -> None:
    command = f"{binary} mount {behind} '{point}' --daemon --config /dev/null"
    account = mounted.account(mount_point=str(point), remount="command", command=command, unmount_stale=True)
    mounted.kill()
    mounts.mount_again(account, str(point), rest)
    assert (point / "TV/Show/a.mkv").read_bytes() == b"abc"


@pytest.mark.django_db
def test_it_leaves_a_dead_mount_alone_where_it_may_not_clear_it(mounted: Daemon, point: Path) -> None:
    account = mounted.account(mount_point=str(point), remount="command", command="false", unmount_stale=False)
    mounted.kill()
    with pytest.raises(WorkError):
        mounts.mount_again(account, str(point), rest)
    assert mounts.state_of(str(point)) == "stale"


@pytest.mark.django_db
def test_a_dead_mount_that_stays_is_no_success(mounted: Daemon, point: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "APPEARS_SECONDS", 1.0)
    account = mounted.account(mount_point=str(point), remount="command", command="true", unmount_stale=False)
    mounted.kill()
    with pytest.raises(Transient) as raised:
        mounts.mount_again(account, str(point), rest)
    assert raised.value.code == "rclone_still_lost"


@pytest.mark.django_db
def test_it_leaves_alone_what_somebody_else_has_mounted_meanwhile(mounted: Daemon, point: Path) -> None:
    account = mounted.account(mount_point=str(point), remount="command", command="false", unmount_stale=True)
    mounts.mount_again(account, str(point), rest)
    assert (point / "TV/Show/a.mkv").exists()


@pytest.mark.django_db
def test_it_mounts_again_by_rclone_itself_however_it_was_lost(daemon: Daemon, point: Path) -> None:
    options = '{"vfsOpt": {"DirCacheTime": 3600000000000}}'
    account = daemon.account(mount_point=str(point), remount="rc", fs="loc:", mount_options=options)
    for _ in range(2):
        mounts.mount_again(account, str(point), rest)
        assert (point / "TV/Show/a.mkv").exists()
        subprocess.run(["fusermount3", "-u", str(point)], check=True)
        assert mounts.state_of(str(point)) == "lost"
    mounts.mount_again(account, str(point), rest)
    remote = mounts.Remote(account)
    remote.call("mount/unmount", mountPoint=str(point))
    remote.close()
    mounts.mount_again(account, str(point), rest)
    assert mounts.state_of(str(point)) == "there"


@pytest.mark.django_db
def test_it_says_when_a_command_mounted_nothing(daemon: Daemon, point: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "APPEARS_SECONDS", 1.0)
    account = daemon.account(mount_point=str(point), remount="command", command="echo done")
    with pytest.raises(Transient) as raised:
        mounts.mount_again(account, str(point), rest)
    assert (raised.value.code, raised.value.params["error"]) == ("rclone_still_lost", "done")


GOOD = {"address": "http://127.0.0.1:5572/", "mount_point": "/mnt//cloud/", "remount": "command", "command": "a 'b c'"}


def test_it_cleans_its_options() -> None:
    cleaned = check(GOOD)
    assert (cleaned["address"], cleaned["mount_point"]) == ("http://127.0.0.1:5572", "/mnt/cloud")
    assert mounts.command_of(cleaned) == ["a", "b c"]
    assert check({})["address"] == "http://127.0.0.1:5572"
    assert check({**GOOD, "remount": "rc", "mount_options": '{"fs": "x:"}'})
    assert RCLONE.check is check


def test_the_form_keeps_all_that_is_entered_and_the_password_to_the_last_space() -> None:
    options, hidden = services.checked("rclone", {**GOOD, "user": " me ", "password": "a b ", "unmount_stale": False})
    assert hidden == {"password": "a b "} and "password" not in options
    assert (options["user"], options["unmount_stale"], options["fs"]) == ("me", False, "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "ftp://x"},
        {"mount_point": "relative"},
        {"mount_point": ""},
        {"command": ""},
        {"command": "open 'quote"},
        {"remount": "rc"},
        {"mount_options": "{"},
        {"mount_options": "[]"},
        {"mount_options": '{"mountPoint": "/"}'},
    ],
)
def test_it_refuses_options_that_cannot_work(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        check({**GOOD, **wrong})


def test_a_client_without_a_password_sends_none() -> None:
    assert "Authorization" not in mounts.Remote(Account(options={}))._session._session.headers
