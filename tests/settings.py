"""The project's settings for tests: a data folder of its own for each test process, and a key that is no secret.

The environment is set before the settings are read, so commands that tests start as processes see the same.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_data = tempfile.mkdtemp(prefix="mediasync-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.makedirs(os.path.join(_data, "static"))  # whitenoise warns when it is missing
os.environ["MEDIASYNC_DATA"] = _data
os.environ["MEDIASYNC_ENV_FILE"] = os.path.join(_data, "none.env")
os.environ["SECRET_KEY"] = "only-for-tests-" + "x" * 40
os.environ["LOG_LEVEL"] = "WARNING"

from mediasync.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests log in often
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
