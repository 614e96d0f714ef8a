"""A folder of this machine: ``container`` is its path, a locator the path below it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import NeedsOperator, Permanent, Transient, UsageError
from mediasync.core.paths import for_people, join, normalise, to_bytes

from ..places import below
from .base import Stored
from .keys import key

PIECE = 1024 * 1024  # bytes
FULL = (28, 122)  # ENOSPC, EDQUOT


class LocalFolder:
    """The storage ``local_fs``."""

    label: ClassVar = _("Local folder")
    kind: ClassVar[str] = "local_fs"
    fields: ClassVar[tuple[str, ...]] = ("base_prefix",)

    def __init__(self, container: str, config: Mapping[str, Any]) -> None:
        try:
            self.root = normalise(container)
        except ValueError as error:
            raise UsageError(f"A folder is named from its root: {error}.", code="bad_folder") from None
        self.prefix = str(config.get("base_prefix") or "")

    def path(self, locator: str) -> bytes:
        """Return where a locator lies, for the system."""
        return to_bytes(join(self.root, below(locator)))

    def check(self) -> str:
        """Write a file, read it and remove it."""
        probe = self.path(f".mediasync-check-{os.getpid()}")
        try:
            with open(probe, "xb") as file:
                file.write(b"mediasync")
            os.unlink(probe)
        except OSError as error:
            raise _error(error, self.root) from None
        return now_("Files can be written to %(folder)s.") % {"folder": for_people(self.root)}

    def locator(self, local: str) -> str:
        return key(self.prefix, local)

    def put(self, path: Path, locator: str, tell: Callable[[int, int | None], None]) -> Stored:
        """Copy a file there: what is half-written never bears its name."""
        target = self.path(locator)
        part = target + b".part"
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(path, "rb") as source, open(part, "wb") as copy:
                total = os.fstat(source.fileno()).st_size
                done = 0
                while piece := source.read(PIECE):
                    copy.write(piece)
                    done += len(piece)
                    tell(done, total)
                copy.flush()
                os.fsync(copy.fileno())
            os.replace(part, target)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(part)
            if isinstance(error, OSError):
                raise _error(error, self.root) from None
            raise
        return Stored(locator, done)

    def exists(self, locator: str) -> int | None:
        try:
            return os.stat(self.path(locator)).st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _error(error, self.root) from None

    def address(self, locator: str) -> str:
        return ""

    def remove(self, locator: str) -> None:
        try:
            os.unlink(self.path(locator))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _error(error, self.root) from None

    def free(self) -> int | None:
        with suppress(OSError):
            return shutil.disk_usage(to_bytes(self.root)).free
        return None


def _error(error: OSError, root: str) -> Exception:
    folder = for_people(root)
    if error.errno in FULL:
        return NeedsOperator(f"There is no room left in {folder}.", code="disk_full", folder=folder)
    text = error.strerror or type(error).__name__
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return Permanent(f"{folder}: {text}.", code="storage_refused", folder=folder, error=text)
    return Transient(f"{folder}: {text}.", code="storage_failed", folder=folder, error=text)


STORAGE = LocalFolder
