"""List the folders of a mount for another process, in threads. Plain Python without Django, as ``walk`` is.

A thread that waits for a mount that hangs cannot be ended, and neither can its process: the kernel waits for the
answer even after SIGKILL. So the threads live in a process of their own, which a crawl can leave behind.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys
import threading
from queue import LifoQueue
from typing import IO, Any

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from monitors.walk import Folder


def send(outlet: IO[bytes], value: Any) -> None:
    """Write a value: its length in four bytes, then marshal."""
    data = marshal.dumps(value)
    outlet.write(len(data).to_bytes(4, "little") + data)
    outlet.flush()


def receive(inlet: IO[bytes]) -> Any:
    """Read a value; None at the end."""
    head = inlet.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "little")
    data = inlet.read(size)
    return marshal.loads(data) if len(data) == size else None


def serve(inlet: IO[bytes], outlet: IO[bytes]) -> None:
    """Answer tasks (number, what to call, path) with (number, errno or 0, answer), until the inlet ends."""
    *facts, parallel = receive(inlet)
    lister = Folder(*facts)
    # The newest first, as in listers.threads.
    todo: LifoQueue[Any] = LifoQueue()
    lock = threading.Lock()
    for _ in range(parallel):
        threading.Thread(target=_work, args=(lister, todo, outlet, lock), daemon=True).start()
    while (task := receive(inlet)) is not None:
        todo.put(task)


def _work(lister: Folder, todo: LifoQueue[Any], outlet: IO[bytes], lock: threading.Lock) -> None:
    while True:
        number, call, below = todo.get()
        try:
            answer: Any = (number, 0, lister.mtime(below) if call == "mtime" else lister.listing(below))
        except OSError as caught:
            answer = (number, caught.errno or errno.EIO, None)
        try:
            with lock:
                send(outlet, answer)
        except BrokenPipeError:
            os._exit(1)  # nobody asks any more


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
    os._exit(0)  # threads may hang
