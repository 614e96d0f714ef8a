#!/usr/bin/env python3
"""Run a mediasync command: ``./manage.py help`` lists them."""

import os
import sys
from pathlib import Path


def main() -> None:
    from mediasync.core import envfile

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediasync.settings")
    envfile.ensure(Path(os.environ.get("MEDIASYNC_ENV_FILE") or Path(__file__).resolve().parent / ".env"))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
