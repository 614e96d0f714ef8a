"""What every test shares: a data folder of its own and fresh secrets."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_data = tempfile.mkdtemp(prefix="mediasync-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["MEDIASYNC_DATA"] = _data
os.environ["MEDIASYNC_ENV_FILE"] = os.path.join(_data, "none.env")
os.environ["SECRET_KEY"] = "only-for-tests-" + "x" * 40
os.environ["LOG_LEVEL"] = "WARNING"
