"""The start of every command stays light: what few commands need is loaded when it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
HEAVY = ("requests", "urllib3", "feedparser", "defusedxml", "tinytag", "boto3", "opencc", "xml.etree.ElementTree")


def test_it_loads_no_library_that_few_commands_need() -> None:
    script = f"import sys, django; django.setup(); print([name for name in {HEAVY} if name in sys.modules])"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "mediasync.settings"}
    done = subprocess.run([sys.executable, "-c", script], cwd=TOP, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
