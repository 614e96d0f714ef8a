"""Open what a run works with: its data folder, its quarantine, the live database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mediasync.core import paths
from mediasync.core.errors import NeedsOperator, NotFound

from . import policy as policies
from . import separate
from .apply_checks import LiveReferences, check_identity, identity_of
from .apply_files import DATA, Hands, References
from .choices import RunState
from .manifest import Manifest
from .models import PlexFolder, Run
from .plexdata import places
from .plexdata.live import Live
from .plexdata.places import Data
from .plexdata.safe import Root
from .policy import Policy
from .quarantine import FOLDER, Quarantine

STOPPED = "stopped"  # in Run.report: why the rest of a run is left alone


@dataclass(frozen=True, slots=True)
class Scene:
    """A run with its folder as it is now, and the policy as it was when the run was planned."""

    run: Run
    folder: PlexFolder
    policy: Policy
    data: Data

    @property
    def goes_on(self) -> bool:
        """Whether rows may be carried out: the run was begun, not stopped, and not put back meanwhile."""
        return self.run.state in (RunState.APPLYING, RunState.APPLIED) and not self.run.report.get(STOPPED)

    @property
    def identity(self) -> str:
        """What the database file was when the run began to be applied; see ``apply_checks.identity_of``."""
        return str(self.run.facts.get("identity", ""))


def scene(run_id: int) -> Scene:
    """Return the run and its data folder; UsageError if the latter is not (wholly) there."""
    run = Run.objects.select_related("folder__server", "folder__image_host").filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"There is no run {run_id} of the clean-up.", code="cleanup_no_run")
    data = places.resolve(run.folder.path, run.folder.cache_path)
    _same_folder(run, data)
    return Scene(run, run.folder, policies.of(run.policy), data)


def _same_folder(run: Run, data: Data) -> None:
    """Raise NeedsOperator if the folder leads to other data now than when the run was planned.

    The same data at another path is fine: its database file is the same one, whatever number its disk has.
    """
    planned, known = str(run.facts.get("root", "")), str(run.facts.get("planned_on", ""))
    if planned in ("", data.root) or (
        known and known.partition(":")[2] == identity_of(data.database).partition(":")[2]
    ):
        return
    message = f"The run was planned for {paths.for_people(planned)}, and its folder is another one now."
    raise NeedsOperator(message, code="cleanup_other_folder", path=planned)


def quarantine_folder(found: Scene) -> str:
    """Return the folder of all quarantines of a data folder, absolute; UsageError where it cannot be.

    What is to be deleted at once never leaves the file system it lies on.
    """
    chosen = found.folder.quarantine_path
    if not chosen or found.policy.delete_at_once:
        return f"{found.data.root}/{FOLDER}"
    return separate.quarantine(chosen, found.data)


def make_quarantine(found: Scene) -> str:
    """Choose a folder for the quarantine of this run, one that nobody has used, make it and return its path."""
    base = quarantine_folder(found)
    inside = base == f"{found.data.root}/{FOLDER}"
    try:
        if inside:
            with Root(found.data.root) as root:
                root.makedirs(FOLDER)
        else:
            os.makedirs(paths.to_bytes(base), 0o700, exist_ok=True)
        with Root(base) as root:
            number = 1
            name = str(found.run.pk)
            while root.lstat(name) is not None:  # of another database of ours, or of one that was restored
                number += 1
                name = f"{found.run.pk}-{number}"
            root.makedirs(name)
            root.sync()
    except OSError as error:
        message = f"The quarantine cannot be made: {os.strerror(error.errno or 0)}"
        raise NeedsOperator(message, code="cleanup_quarantine", path=base) from None
    return f"{base}/{name}"


def open_root(path: str) -> Root:
    """Open a folder; NeedsOperator if it is not there (a disk that is not mounted, a folder that was moved)."""
    try:
        return Root(path)
    except OSError as error:
        message = f"{paths.for_people(path)}: {os.strerror(error.errno or 0)}"
        raise NeedsOperator(message, code="cleanup_folder_gone", path=path) from None


def open_roots(found: Scene, stack: ExitStack) -> dict[str, Root]:
    """Open the data folder, and the cache folder if there is one, until ``stack`` ends: base → folder."""
    roots = {DATA: stack.enter_context(open_root(found.data.root))}
    if found.data.cache:
        roots["cache"] = stack.enter_context(open_root(found.data.cache))
    return roots


@contextmanager
def hands(found: Scene, stop: Callable[[], bool], children: frozenset[str] = frozenset()) -> Iterator[Hands]:
    """Open everything that a block of files needs, and close it again."""
    with ExitStack() as stack:
        roots = open_roots(found, stack)
        quarantine = Quarantine(stack.enter_context(open_root(found.run.quarantine)))
        manifest = Manifest(quarantine.root)
        stack.callback(manifest.close)
        check_identity(found.data.database, found.identity)
        live = stack.enter_context(Live(found.data.database))
        references: References = LiveReferences(
            live, roots[DATA], found.identity, lambda path: quarantine.inside(DATA, path), children
        )
        yield Hands(roots, quarantine, manifest, references, stop, found.policy.checksum)
