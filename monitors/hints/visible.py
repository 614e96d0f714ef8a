"""Look whether what hints name is visible, without ever waiting for a mount or a cloud.

A local disk is asked here and now. All else, also what a link or a mount inside a root leads to, is asked by a thread
(a mount through a child process, which may hang in our stead), one for each root, and whoever asked comes back for the
facts. What is not as it should be is asked to be read anew by what serves the mount (``AccountKind.nudge``).
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

from django.db import connection

from mediasync.core.errors import MediasyncError
from mediasync.core.paths import to_bytes
from monitors import guards
from monitors.accounts import KINDS
from monitors.filesystems import is_remote, places
from monitors.listers import lister_of
from monitors.models import Hint, Root
from monitors.walk import Listing, reason

from . import sizes
from .sizes import FILE, FOLDER, NOTHING, UNSURE, Fact

logger = logging.getLogger(__name__)

SECONDS = 20.0  # that a mount may take for one look
MOST_NAMES = 500  # in one look
MOST_FOLDERS = 20  # that a cloud, or a cache, is asked for in one look

Facts = dict[int, Fact]  # by the id of the hint


class Look(threading.Thread):
    """One look, by a thread. ``facts`` are complete once it has ended; what is not in them was not looked at."""

    def __init__(self, root: Root, hints: Sequence[Hint]) -> None:
        super().__init__(name=f"look at {root.pk}", daemon=True)
        self.root, self.hints = root, hints
        self.facts: Facts = {}
        self.verdict: guards.Verdict | None = None  # of a mount that gave no answer

    def run(self) -> None:
        try:
            look = through_mount if self.root.mounted else through_account
            for hint, fact in zip(self.hints, look(self.root, self.hints), strict=False):
                self.facts[hint.pk] = fact
            if not self.facts and self.root.mounted:
                self.verdict = guards.check(self.root)
            nudge(self.root, [_folder(hint) for hint in self.hints if self._differs(hint)])
        except Exception:  # the next look may do better
            logger.exception("looking at %s failed", self.root)
        finally:
            if not self.facts:
                self.facts = {hint.pk: (UNSURE, 0, 0, hint.path) for hint in self.hints}
            connection.close()

    def _differs(self, hint: Hint) -> bool:
        """Tell whether what the hint names was seen not to be as it says."""
        kind = self.facts[hint.pk][0] if hint.pk in self.facts else UNSURE
        return kind in (FILE, FOLDER) if hint.gone else kind == NOTHING


_looks: dict[int, Look] = {}


def busy() -> list[int]:
    """Return the roots that are being looked at."""
    return [root_id for root_id, look in _looks.items() if look.is_alive()]


def facts_of(root: Root, hints: Sequence[Hint]) -> Facts:
    """Return what is known now of the names of hints of one root; a look at the others has begun, if need be."""
    table = places()
    far = [hint for hint in hints if not root.mounted or is_remote(_entry(root, hint), table)]
    elsewhere = {hint.pk for hint in far}
    near = [hint for hint in hints if hint.pk not in elsewhere]
    facts = _from_afar(root, far) if far else {}
    if near:
        facts |= zip((hint.pk for hint in near), sizes.look(root.path, _names(near)), strict=True)
    return facts


def _from_afar(root: Root, hints: Sequence[Hint]) -> Facts:
    """Return what a look that has ended has shown; without one, one begins."""
    look = _looks.get(root.pk)
    if look is None:
        _looks[root.pk] = Look(root, hints[:MOST_NAMES])
        _looks[root.pk].start()
    if look is None or look.is_alive():
        return {}
    del _looks[root.pk]
    if look.verdict is not None and look.verdict.down:  # then its hints wait, and it is crawled when it is back
        guards.record(root, look.verdict)
    return look.facts


def _names(hints: Sequence[Hint]) -> list[tuple[str, str, bool]]:
    return [(hint.path, hint.name, hint.gone) for hint in hints]


def _entry(root: Root, hint: Hint) -> bytes:
    """Return the absolute path of what a hint names."""
    return to_bytes("/".join((root.path, hint.path, hint.name)))


def _folder(hint: Hint) -> str:
    """Return the folder (below the root) in which it lies: the name of what went from a disc has folders in it."""
    return "/".join(filter(None, (hint.path, hint.name.rpartition("/")[0])))


def through_mount(root: Root, hints: Sequence[Hint]) -> Iterator[Fact]:
    """Yield what a child process sees; it ends where the mount does not answer."""
    command = [sys.executable, "-I", "-S", sizes.__file__]
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing, start_new_session=True)
    try:
        answer, _nothing = child.communicate(json.dumps([root.path, _names(hints)]).encode(), timeout=SECONDS)
    except subprocess.TimeoutExpired as late:
        child.kill()
        threading.Thread(target=_bury, args=(child,), daemon=True).start()
        answer = late.output or b""
    for line in answer.splitlines(keepends=True):
        if line.endswith(b"\n"):
            kind, size, mtime_ns, above = json.loads(line)
            yield kind, size, mtime_ns, above


def _bury(child: subprocess.Popen[bytes]) -> None:
    """Wait for what hangs in a mount: it dies when the mount answers."""
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream:
            stream.close()


def through_account(root: Root, hints: Sequence[Hint]) -> Iterator[Fact]:
    """Yield what listings say, one a folder, and some folders at most."""
    lister = lister_of(root)
    known: dict[str, Listing | str] = {}
    for hint in hints:
        if hint.path not in known:
            if len(known) == MOST_FOLDERS:
                return
            try:
                known[hint.path] = lister.listing(to_bytes(hint.path))
            except OSError as error:
                known[hint.path] = NOTHING if reason(error) == "vanished" else UNSURE
            except MediasyncError as error:
                logger.info("%s cannot be looked at just now: %s", root, error)
                known[hint.path] = UNSURE
        yield _fact(known[hint.path], hint)


def _fact(listing: Listing | str, hint: Hint) -> Fact:
    if isinstance(listing, str):
        return listing, 0, 0, hint.path
    name = to_bytes(hint.name)
    _mtime, _signature, folders, files, error, _skipped = listing
    if name in folders:
        return FOLDER, 0, 0, hint.path
    for row in files:
        if row[0] == name:
            return FILE, row[1], row[2], hint.path
    return (UNSURE if error else NOTHING), 0, 0, hint.path


def nudge(root: Root, folders: Sequence[str]) -> None:
    """Have folders read anew by what serves the mount, if it can be asked."""
    kind = KINDS.get(root.account.kind) if root.account else None
    if kind is None or kind.nudge is None:
        return
    for folder in list(dict.fromkeys(folders))[:MOST_FOLDERS]:
        try:
            kind.nudge(root, folder)
        except (MediasyncError, OSError) as error:
            logger.info("the cache of %s cannot be nudged: %s", root, error)
            return
