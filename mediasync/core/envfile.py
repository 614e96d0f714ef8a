"""The ``.env`` of an installation: made once, with secrets of its own, and never overwritten."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

TEMPLATE = """\
# Made on the first run. docs/settings.md says what else can stand here.
# Keep this file: without FIELD_KEY the tokens of your servers cannot be read again.
SECRET_KEY={secret_key}
FIELD_KEY={field_key}
"""


def ensure(path: Path) -> bool:
    """Write fresh secrets to ``path`` unless it exists or the environment brings a key; tell whether it was made.

    Only the owner may read it. Two processes that start at once get the same file: the first one's.
    """
    if path.exists() or os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE"):
        return False
    text = TEMPLATE.format(secret_key=secrets.token_urlsafe(50), field_key=secrets.token_urlsafe(32))
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    try:
        os.link(draft, path)  # fails if somebody was faster: unlike rename, it never replaces
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
