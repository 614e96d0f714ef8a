"""Our clients against mocks that prism makes from the official documents: it refuses what a document does not allow."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.errors import AccessDenied, Permanent
from mediasync.core.http import Session
from mediasync.servers.clients.base import Access, Client, ScanTarget, client_class

from .conftest import read

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prism")]
COMMON = ("/System/Info", "/ScheduledTasks", "/Library/Media/Updated", "/Items")
OWN = {
    "jellyfin": ("openapi-10.11.11.json", "/Library/VirtualFolders", "/Items/{itemId}/Refresh"),
    "emby": ("openapi-4.8.11.json", "/Library/VirtualFolders/Query", "/Items/{Id}/Refresh"),
}
LIBRARY = str(uuid.UUID(int=7))


@pytest.fixture(scope="module", params=OWN)
def mock(request: pytest.FixtureRequest, fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """Run prism for one kind of server, with the part of its document that we use (all of it takes 13 s to load)."""
    found = shutil.which("prism", path=f"{sys.prefix}/prism/node_modules/.bin") or shutil.which("prism")
    if found is None:
        pytest.skip(f"optional: no prism (npm install --prefix {sys.prefix}/prism @stoplight/prism-cli)")
    name, *paths = OWN[request.param]
    file = tmp_path_factory.mktemp("prism") / name
    file.write_text(json.dumps(part(read(fixtures / request.param / name), *COMMON, *paths)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [found, "mock", "-h", "127.0.0.1", "-p", str(port), str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        until_it_listens(process)
        yield Access(f"http://127.0.0.1:{port}", "token", read_timeout=90)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def part(document: dict[str, Any], *paths: str) -> dict[str, Any]:
    """Return the document with only some operations, the header in which we send a key, and the id of a library."""
    if scheme := document["components"]["securitySchemes"].get("apikeyauth"):
        scheme |= {"name": "X-Emby-Token", "in": "header"}
    document["components"]["schemas"]["VirtualFolderInfo"]["properties"]["ItemId"]["example"] = LIBRARY
    return {**document, "servers": [{"url": "/"}], "paths": {path: document["paths"][path] for path in paths}}


def until_it_listens(process: subprocess.Popen[str]) -> None:
    """Read what prism says until it is ready; what it says later is read too, so that it never waits for us."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "Prism is listening" in line:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return
    pytest.fail("prism ended: " + "".join(said))


@pytest.fixture
def client(mock: Access, request: pytest.FixtureRequest) -> Iterator[Client]:
    client = client_class(request.node.callspec.params["mock"])(mock)
    yield client
    client.close()


def pause() -> None:
    """Let the server be asked once more."""


def test_a_mock_of_the_document_takes_all_that_we_ask(client: Client) -> None:
    assert client.probe().version
    assert client.libraries()[0].paths
    updates = [
        ScanTarget("/m/é & 1.mkv", "Created", False, LIBRARY),
        ScanTarget("M:\\TV\\Show\\S1\\1.mkv", "Deleted", False, LIBRARY),
        ScanTarget("\\\\nas\\tv\\Show", "Modified", True, LIBRARY),
    ]
    assert 200 <= client.scan(updates).status < 300
    assert 200 <= client.refresh_library(LIBRARY).status < 300
    assert 200 <= client.look_again(LIBRARY, "refresh").status < 300
    assert client.busy(LIBRARY) in (True, False)
    assert client.known(LIBRARY, ["/m/1.mkv"], pause).keys() == {"/m/1.mkv"}
    assert client.titled(LIBRARY, "Show") is not None
    client.recent(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    client.items([uuid.UUID(LIBRARY).hex])


def test_the_mock_refuses_what_the_document_does_not_allow(mock: Access) -> None:
    nobody = Session(mock.url, headers={})
    with pytest.raises(AccessDenied):
        nobody.get("/System/Info")
    known = Session(mock.url, headers={"Authorization": 'MediaBrowser Token="t"', "X-Emby-Token": "t"})
    with pytest.raises(Permanent):
        known.request("POST", "/Library/Media/Updated", (), {"Updates": [{"Path": 7, "UpdateType": "Created"}]})
    nobody.close()
    known.close()
