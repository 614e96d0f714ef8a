"""The main job as its users live it: a folder, links, a server that is told, and a cloud mount that dies."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import TOP, Installation, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]
TOKEN = "e2e-token"
FILMS = 5000


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.kill_all()


def make_tree(top: Path, films: int) -> None:
    for number in range(films):
        folder = top / f"Film {number} (2020)"
        folder.mkdir(parents=True)
        (folder / f"Film {number}.mkv").write_bytes(b"x" * 100)
        (folder / f"Film {number}.en.srt").write_bytes(b"y")


@contextlib.contextmanager
def fake_plex(library: Path) -> Iterator[str]:
    """Run the fake Plex with one library; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.fakes.plex", "--port", str(port), "--token", TOKEN]
    process = subprocess.Popen([*command, "--library", f"Movies={library}"], cwd=TOP)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)


def add_server(here: Installation, url: str) -> None:
    here.python(
        "from mediasync.servers import services\n"
        "from mediasync.servers.models import Server\n"
        f"server = services.save(Server(name='Plex', kind='plex', url={url!r}, debounce=1, max_wait=5, pace=0.1),"
        f" {TOKEN!r})\n"
        "services.load_libraries(server)"
    )


def requests(here: Installation) -> list[dict[str, str]]:
    found: list[dict[str, str]] = here.python(
        "from scanning.models import ScanRequest\n"
        "print(json.dumps(list(ScanRequest.objects.values('path', 'state', 'sent_path', 'answer_status'))))"
    )
    return found


def guard(here: Installation) -> str:
    return str(here.python("from monitors.models import Root\nprint(json.dumps(Root.objects.get().guard))"))


def counts(here: Installation) -> dict[str, int]:
    found: dict[str, int] = here.python(
        "from monitors.models import Change, File\nfrom scanning.models import Link\n"
        "print(json.dumps({'files': File.objects.count(), 'links': Link.objects.filter(state='ok').count(),"
        " 'removed': Change.objects.filter(kind='removed').count()}))"
    )
    return found


def made(links: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(links))


def test_a_change_by_hand_reaches_the_server_and_is_shown(here: Installation, tmp_path: Path) -> None:
    films, links = tmp_path / "films", tmp_path / "links"
    make_tree(films, 50)
    assert here.up("--root", str(films), "--links", str(links), "--prepare-only").wait(timeout=120) == 0
    assert counts(here) == {"files": 100, "links": 100, "removed": 0}

    with fake_plex(links) as url:
        add_server(here, url)
        here.up()
        here.wait_ready()
        (films / "New Film (2024)").mkdir()
        (films / "New Film (2024)" / "new.mkv").write_bytes(b"new")
        told = wait_for(
            lambda: [r for r in requests(here) if r["state"] in ("sent", "verified")],
            90,
            lambda: here.log.read_text()[-4000:],
        )
        assert [(r["sent_path"], r["answer_status"]) for r in told] == [(str(links / "New Film (2024)"), 200)]
        assert (links / "New Film (2024)" / "new.mkv").is_symlink()

        here.login()
        status, page = here.get("/admin/scanning/scanrequest/")
        assert status == 200
        assert "New Film (2024)" in page


def test_everything_killed_goes_on_after_the_next_start(here: Installation, tmp_path: Path) -> None:
    films, links = tmp_path / "films", tmp_path / "links"
    make_tree(films, FILMS)
    assert here.up("--prepare-only").wait(timeout=120) == 0
    here.manage("crawl", "--add", str(films))
    here.python(
        "from mediasync.jobs import services\nfrom monitors.models import Root\nfrom scanning import link_services\n"
        f"root = Root.objects.get()\nlink_services.save_rule(root, {str(links)!r})\n"
        "services.submit('sync', {'root': root.pk})"
    )
    here.up()
    wait_for(lambda: made(links) > 100, 60, here.log.read_text)
    here.kill_all()
    assert made(links) < 2 * FILMS
    here.up()
    wait_for(lambda: counts(here)["links"] == 2 * FILMS, 90, here.log.read_text)
    assert made(links) == 2 * FILMS


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A real rclone mount of a local folder: (folder behind it, mount point)."""
    if not shutil.which("rclone") or not Path("/dev/fuse").exists():
        pytest.skip("rclone and /dev/fuse are needed for a real mount")
    behind, point = tmp_path / "behind", tmp_path / "cloud"
    behind.mkdir()
    point.mkdir()
    yield behind, point
    subprocess.run(["fusermount3", "-uz", str(point)], capture_output=True, check=False)


def mount(behind: Path, point: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["rclone", "mount", str(behind), str(point), "--dir-cache-time", "1s", "--config", "/dev/null"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: os.path.ismount(point), 90)
    return process


def test_a_mount_that_is_killed_removes_nothing_and_comes_back(
    here: Installation, tmp_path: Path, cloud: tuple[Path, Path]
) -> None:
    behind, point = cloud
    links = tmp_path / "links"
    make_tree(behind, 30)
    rclone = mount(behind, point)
    assert here.up("--root", str(point), "--links", str(links), "--prepare-only").wait(timeout=120) == 0
    before = counts(here)
    assert before == {"files": 60, "links": 60, "removed": 0}

    rclone.send_signal(signal.SIGKILL)
    rclone.wait()
    here.manage("crawl", "--full", str(point), code=1)  # transport endpoint is not connected
    assert guard(here) == "down"
    subprocess.run(["fusermount3", "-uz", str(point)], check=True)
    here.manage("crawl", "--full", str(point), code=1)  # an empty folder where the mount was
    assert guard(here) == "down"
    assert "Removals wait" in here.manage("link", str(point), "--sweep")
    assert counts(here) == before
    assert made(links) == 60

    make_tree(behind / "More", 1)
    again = mount(behind, point)
    here.manage("crawl", "--full", str(point))
    assert guard(here) == "ok"
    assert counts(here)["files"] == 62
    assert counts(here)["removed"] == 0
    again.terminate()
    again.wait(timeout=60)


def test_a_mount_killed_in_the_middle_of_a_crawl_loses_nothing(
    here: Installation, tmp_path: Path, cloud: tuple[Path, Path]
) -> None:
    behind, point = cloud
    make_tree(behind, 1500)
    rclone = mount(behind, point)
    assert here.up("--root", str(point), "--prepare-only").wait(timeout=180) == 0
    before = counts(here)
    assert before["files"] == 3000
    crawl = subprocess.Popen(
        [sys.executable, str(TOP / "manage.py"), "crawl", "--full", str(point)],
        env=here.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(1.5)
    rclone.send_signal(signal.SIGKILL)
    rclone.wait()
    crawl.wait(timeout=120)
    assert counts(here) == before
    subprocess.run(["fusermount3", "-uz", str(point)], check=True)
    again = mount(behind, point)
    here.manage("crawl", "--full", str(point))
    assert guard(here) == "ok"
    assert counts(here) == before
    again.terminate()
    again.wait(timeout=60)
