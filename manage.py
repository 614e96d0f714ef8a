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

    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has enough: manage.py explain … | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be told at the exit
        sys.exit(141)  # as a shell says of SIGPIPE


if __name__ == "__main__":
    main()
