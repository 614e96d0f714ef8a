"""The server's side of websockets, as far as our listeners need it (RFC 6455)."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Sockets:
    """All open websockets of a fake server; ``heard`` is what clients said."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.pings = 0
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def push(self, *messages: Any) -> None:
        """Send messages, as JSON, to all who listen."""
        for message in messages:
            self.send(frame(TEXT, json.dumps(message).encode()))

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        with self._lock:
            for each in self._open:
                try:
                    each.sendall(data)
                except OSError:
                    continue  # its reader sees that too

    def cut(self) -> None:
        """Cut all connections without a word."""
        with self._lock:
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Take over a connection until it ends."""
        proof = hashlib.sha1((handler.headers["Sec-WebSocket-Key"] + MAGIC).encode(), usedforsecurity=False).digest()
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        handler.connection.sendall(f"{head}Sec-WebSocket-Accept: {base64.b64encode(proof).decode()}\r\n\r\n".encode())
        handler.connection.settimeout(None)
        handler.close_connection = True
        with self._lock:
            self._open.append(handler.connection)
        try:
            self._read(handler)
        except (OSError, struct.error, ValueError, IndexError):
            return
        finally:
            with self._lock:
                self._open.remove(handler.connection)

    def _read(self, handler: BaseHTTPRequestHandler) -> None:
        while True:
            first, second = handler.rfile.read(2)
            length = second & 0x7F
            if length > 125:
                size, form = (2, "!H") if length == 126 else (8, "!Q")
                length = struct.unpack(form, handler.rfile.read(size))[0]
            mask = handler.rfile.read(4)  # clients must mask
            data = bytes(byte ^ mask[n % 4] for n, byte in enumerate(handler.rfile.read(length)))
            match first & 0x0F:
                case 1:
                    self.heard.append(data.decode())
                case 9:
                    self.pings += 1
                    with self._lock:
                        handler.connection.sendall(frame(PONG, data))
                case 8:
                    return


def frame(opcode: int, data: bytes, *, last: bool = True) -> bytes:
    """Return one frame as servers write it: without a mask."""
    size = len(data)
    if size < 126:
        head = struct.pack("!B", size)
    elif size < 65536:
        head = struct.pack("!BH", 126, size)
    else:
        head = struct.pack("!BQ", 127, size)
    return bytes([opcode | (0x80 if last else 0)]) + head + data
