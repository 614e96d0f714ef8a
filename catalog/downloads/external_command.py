"""Any other tool, as a command: JSON on its standard input and output, in a process of its own.

There is no shell, only the environment that is allowed, and a time limit; what the command leaves is examined as any
other file is. docs/catalog-sources.md has the protocol and an example.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, ClassVar

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import Permanent, Stop, Transient, UsageError
from mediasync.core.processes import kill_session
from mediasync.core.texts import plain

from ..errors import ParseError, Unavailable
from ..reviews import as_json, from_json
from ..sources.base import Reach, TrackMeta
from .base import Candidate, Fetch, Tell

NOT_FOUND, LATER = 3, 4
TIMEOUT = 300.0  # seconds
LONGEST = 86_400  # seconds
MOST = 4_000_000  # bytes of an answer
EVERY = 0.2  # seconds between two looks
ALWAYS = ("PATH", "LANG", "LC_ALL", "TZ")


class ExternalCommand:
    """The download source ``external_command``; ``env`` names the variables that the command may see."""

    label: ClassVar = _("External command")
    notice: ClassVar = _("It runs a program of yours with the rights of mediasync. What it fetches is your affair.")
    fields: ClassVar[tuple[str, ...]] = ("command", "timeout", "env")

    def __init__(self, reach: Reach, name: str) -> None:
        self.argv = _words(reach.settings.get("command"))
        self.env = _words(reach.settings.get("env"))
        try:
            self.timeout = float(reach.settings.get("timeout") or TIMEOUT)
        except (TypeError, ValueError):
            self.timeout = 0.0
        if not 0 < self.timeout <= LONGEST:
            raise UsageError(f"The time limit is a number of seconds, at most {LONGEST}.", code="bad_timeout")
        if not self.argv or not os.path.isabs(self.argv[0]):
            raise UsageError("Name the command by its path from the root.", code="bad_command")
        self.reach, self.name = reach, name

    def search(self, want: TrackMeta, limit: int = 10) -> Sequence[Candidate]:
        """Send ``{"op": "search", "want": …, "limit": …}`` and read ``{"candidates": […]}``."""
        asked = asdict(want) | {"snapshot": dict(want.snapshot)}
        answer = self._run({"op": "search", "want": asked, "limit": limit}, self._check)
        if answer is None:
            return []
        found = answer.get("candidates")
        if not isinstance(found, list):
            raise ParseError("The command gave no list of candidates.", str(answer)[:200])
        return [_candidate(self.name, each) for each in found[:limit]]

    def fetch(self, candidate: Candidate, part: Path, tell: Tell) -> Fetch:
        """Send ``{"op": "fetch", "candidate": …, "dest": …}``; the command writes ``dest``, a file that is not there.

        A name of its own for each try: a command that outlived us cannot write into the file of the next.
        """
        dest = part.with_name(f"{part.name}.{secrets.token_hex(4)}")

        def look() -> None:
            size = 0
            with suppress(OSError):  # the command may remove it and begin anew
                size = dest.stat().st_size
            tell(size, candidate.size)

        try:
            answer = self._run({"op": "fetch", "candidate": as_json(candidate), "dest": str(dest)}, look)
            if answer is None or not dest.is_file() or dest.is_symlink():
                raise Unavailable("The command brought no file.")
            os.replace(dest, part)
        finally:
            _remove(dest)
        size = answer.get("size")
        return Fetch(path=str(part), size=size if type(size) is int else None, digest=str(answer.get("digest") or ""))

    def _check(self) -> None:
        if self.reach.stopping():
            raise Stop

    def _run(self, question: Mapping[str, Any], look: Callable[[], None]) -> Mapping[str, Any] | None:
        """Return the answer of the command; None for "not found". Transient, Permanent, ParseError."""
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
            asked.write(json.dumps(question).encode())
            asked.seek(0)
            code = self._wait(asked, said, errors, look)
            if code == 0:
                return _answer(_start(said, MOST))
            if code == NOT_FOUND:
                return None
            last = plain(_start(errors, 100_000).decode("utf-8", "replace")).strip().rpartition("\n")[2][:300]
            if code == LATER:
                raise Transient(f"The command asks to be run later. {last}".strip(), code="command_later")
            raise Permanent(f"The command failed ({code}). {last}".strip(), code="command_failed", exit=code, said=last)

    def _wait(self, asked: IO[bytes], said: IO[bytes], errors: IO[bytes], look: Callable[[], None]) -> int:
        env = {name: os.environ[name] for name in (*ALWAYS, *self.env) if name in os.environ}
        with tempfile.TemporaryDirectory(prefix="mediasync-command-") as folder:
            try:
                process = subprocess.Popen(
                    self.argv, stdin=asked, stdout=said, stderr=errors, env=env, cwd=folder, start_new_session=True
                )
            except OSError as error:
                raise Permanent(f"The command cannot be run: {error.strerror}.", code="command_missing") from None
            try:
                return self._until(process, said, look)
            finally:
                kill_session(process.pid)  # what it started ends with it
                process.wait()

    def _until(self, process: subprocess.Popen[bytes], said: IO[bytes], look: Callable[[], None]) -> int:
        left = self.timeout
        while True:
            try:
                return process.wait(EVERY)
            except subprocess.TimeoutExpired:
                left -= EVERY
                look()
            if left <= 0:
                raise Transient(f"The command took longer than {self.timeout:g} s.", code="command_timeout")
            if os.fstat(said.fileno()).st_size > MOST:
                raise Permanent("The command says too much.", code="command_failed")


def _remove(dest: Path) -> None:
    """Remove whatever a command left there."""
    if dest.is_dir() and not dest.is_symlink():
        shutil.rmtree(dest, ignore_errors=True)
    else:
        dest.unlink(missing_ok=True)


def _start(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most + 1)


def _answer(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or len(data) > MOST:
        raise ParseError("The command did not answer in JSON.", data[:200].decode("utf-8", "replace"))
    return found


def _candidate(source: str, found: Any) -> Candidate:
    if not isinstance(found, dict) or not isinstance(found.get("key"), str) or not isinstance(found.get("title"), str):
        raise ParseError("A candidate needs a key and a title.", str(found)[:200])
    artists = found.get("artists") or []
    facts = found | {
        "source": source,
        "artists": [str(each) for each in artists] if isinstance(artists, list) else [str(artists)],
        "rights_basis": "user-supplied",
        "lossless": found.get("lossless") if isinstance(found.get("lossless"), bool) else None,
        "exact": found.get("exact") is True,
        "opaque": found.get("opaque") if isinstance(found.get("opaque"), dict) else {},
    }
    for name in ("size", "bitrate", "duration"):
        if not isinstance(facts.get(name), int | float) or isinstance(facts.get(name), bool):
            facts.pop(name, None)
    for name in ("album", "ext", "isrc", "mbid", "license"):
        facts[name] = str(facts.get(name) or "")
    return from_json(facts)


def _words(given: Any) -> list[str]:
    """Return a list as it is, a line split as a shell would (which is not run)."""
    if isinstance(given, list):
        return [str(each) for each in given]
    try:
        return shlex.split(str(given or ""))
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {error}.", code="bad_command") from None


SOURCE = ExternalCommand
