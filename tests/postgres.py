"""A PostgreSQL of one's own for tests and benchmarks: in a temporary folder, on loopback, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

PLACES = "/usr/lib/postgresql/*/bin"


def binaries() -> Path | None:
    """Return the folder with ``initdb``; None where PostgreSQL is not installed."""
    found = sorted(Path("/").glob(PLACES.lstrip("/")))
    if found:
        return found[-1]
    program = shutil.which("initdb")
    return Path(program).parent if program else None


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start it and yield a DATABASE_URL; as root it runs as the user ``postgres``, who may not be root."""
    programs = binaries()
    assert programs, "PostgreSQL is not installed"
    with tempfile.TemporaryDirectory(prefix="mediasync-pg-") as name:
        folder, as_user = Path(name), {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), *arguments]
            with (folder / "log").open("ab") as log:
                subprocess.run(command, stdout=log, stderr=log, cwd=folder, check=True, **as_user)  # type: ignore[call-overload]

        data = str(folder / "data")
        (folder / "log").touch()
        run("initdb", "-D", data, "-U", "mediasync", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=60"
        run("pg_ctl", "-D", data, "-o", options, "-w", "start")
        try:
            yield f"postgres://mediasync@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
