"""One websocket to a server: text comes out, and nothing that a server sends can hang it or fill the memory."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from typing import Any, cast

import websocket
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from mediasync.core.errors import Permanent, Unreachable
from mediasync.servers.clients.base import Access

PING_SECONDS = 25.0
SILENT_SECONDS = 90.0  # without anything, not even the answer to a ping
MOST = 8 * 1024 * 1024  # bytes of one message
PROBLEMS = (websocket.WebSocketException, OSError, ValueError, UnicodeError)


class Refused(Permanent):
    """The server answered the handshake, but not with a websocket."""

    default_code = "listener_refused"


class Channel:
    """Open at once; ``take`` raises Unreachable when the connection is over or silent for too long."""

    def __init__(self, access: Access, path: str, headers: Sequence[str], keep_alive: str = "") -> None:
        self._keep_alive = keep_alive
        self._socket = cast(Any, _Bounded(sslopt=_tls(access.verify)))
        options: dict[str, Any] = {"header": list(headers), "suppress_origin": True, "timeout": access.connect_timeout}
        try:
            # No redirects: the token goes only where it was entered for.
            self._socket.connect(_address(access.url) + path, redirect_limit=0, **options)
        except websocket.WebSocketBadStatusException as error:
            raise Refused(status=error.status_code) from None
        except websocket.WebSocketTimeoutException:
            raise Unreachable(code="server_timeout", seconds=access.connect_timeout) from None
        except ssl.SSLError:
            raise Unreachable(code="server_tls") from None
        except OSError:
            raise Unreachable(code="server_unreachable") from None
        except (websocket.WebSocketException, ValueError, UnicodeError):
            raise Refused(status=0) from None
        self._heard = self._pinged = time.monotonic()

    def take(self, wait: float) -> str:
        """Return the next message, "" if none came within ``wait`` seconds."""
        try:
            self._ping()
            self._socket.settimeout(max(wait, 0.01))
            opcode, data = self._socket.recv_data(control_frame=True)
        except websocket.WebSocketTimeoutException:
            if time.monotonic() - self._heard > SILENT_SECONDS:
                raise Unreachable(code="listener_silent") from None
            return ""
        except PROBLEMS:
            raise Unreachable(code="listener_cut") from None
        self._heard = time.monotonic()
        self._socket.received = 0
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Unreachable(code="listener_cut")
        if opcode not in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
            return ""
        return bytes(data).decode("utf-8", "replace")

    def close(self) -> None:
        """Close it without waiting for the other side."""
        self._socket.shutdown()

    def _ping(self) -> None:
        now = time.monotonic()
        if now - self._pinged >= PING_SECONDS:
            self._pinged = now
            self._socket.ping()
            if self._keep_alive:
                self._socket.send(self._keep_alive)


class _Bounded(websocket.WebSocket):
    """Gives up on a message that grows without end."""

    received = 0

    def _recv(self, bufsize: int) -> bytes:
        data: bytes = super()._recv(bufsize)  # type: ignore[no-untyped-call]
        self.received += len(data)
        if self.received > MOST:
            raise websocket.WebSocketPayloadException("too large")
        return data


def _address(url: str) -> str:
    return "ws" + url.removeprefix("http")


def _tls(verify: bool | str) -> dict[str, Any]:
    if verify is False:
        return {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    return {"ca_certs": DEFAULT_CA_BUNDLE_PATH if verify is True else verify}
