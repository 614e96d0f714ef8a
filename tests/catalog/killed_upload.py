"""Run by test_upload_real.py: work on a job in a process of its own, which is killed when so many files are there.

``python killed_upload.py FOLDER FILES``: FOLDER is the one behind the bucket; 0 files: never killed. Prints the job.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "mediasync.settings"
    django.setup()

    from mediasync.jobs.choices import TERMINAL
    from mediasync.jobs.drain import drain
    from mediasync.jobs.models import Job

    folder, most = Path(sys.argv[1]), int(sys.argv[2])

    def kill_when_there() -> None:
        while len(list(folder.rglob("*.mp3"))) < most:
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGKILL)

    if most:
        threading.Thread(target=kill_when_there, daemon=True).start()
    job = Job.objects.exclude(state__in=TERMINAL).get()
    job = drain(job.pk)
    sys.stdout.write(json.dumps({"state": job.state, "done": job.done, "skipped": job.skipped, "failed": job.failed}))
