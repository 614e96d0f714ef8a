"""Take a call out of its request: the raw body within bounds, and the headers and query without secrets."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_from_bytes

from django.http import HttpRequest

from mediasync.core.clock import Clock, system
from mediasync.core.logline import without_secrets
from monitors.models import Hook, Payload
from monitors.triggers.base import plain

MOST = 1024 * 1024  # bytes of a body
MOST_HEADERS, MOST_VALUE = 60, 1000
MOST_QUERY = 64 * 1024
SECRET = re.compile(
    r"auth|cookie|token|secret|password|passwd|pwd|api-?_?key|signature|forwarded-client-cert", re.IGNORECASE
)
PLAIN_ASCII = "".join(chr(number) for number in range(33, 127))


class Refused(Exception):
    """The body is not taken; ``status`` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def body_of(request: HttpRequest) -> bytes:
    """Return the raw body. Raises Refused for more than MOST bytes, without reading on, and for one that is cut off."""
    said = request.META.get("CONTENT_LENGTH") or ""
    if said.isdecimal() and int(said) > MOST:
        raise Refused(413)
    # Django reads nothing without a length; a server that says so ends the stream of a chunked body itself.
    chunked = not said and bool(request.META.get("HTTP_TRANSFER_ENCODING"))
    if chunked and not request.META.get("wsgi.input_terminated"):
        raise Refused(411)
    stream: Any = request.META["wsgi.input"] if chunked else request
    body = _read(stream)
    if said.isdecimal() and len(body) < int(said):
        raise Refused(400)
    return body


def _read(stream: Any) -> bytes:
    parts, size = list[bytes](), 0
    while part := _part(stream, min(65536, MOST + 1 - size)):
        parts.append(part)
        size += len(part)
        if size > MOST:
            raise Refused(413)
    return b"".join(parts)


def _part(stream: Any, most: int) -> bytes:
    try:
        part: bytes = stream.read(most)
    except Exception as error:  # a server has errors of its own for chunks that are none
        raise Refused(400) from error
    return part


def payload_of(request: HttpRequest, hook: Hook, path: str, body: bytes, clock: Clock = system) -> Payload:
    """Return what is to be stored of a call. ``path`` is its address without the secret."""
    return Payload(
        hook=hook,
        at=clock.now(),
        method=(request.method or "")[:10],
        path=plain(path, 500),
        query=query_of(request),
        headers=headers_of(request),
        body=body,
        sender=plain(request.META.get("REMOTE_ADDR"), 100),
    )


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Return the headers but those that may hold a secret; a proxy may tell the address in one."""
    kept = ((name, value) for name, value in request.headers.items() if value and not SECRET.search(name))
    return {plain(name): plain(without_secrets(value), MOST_VALUE) for name, value in list(kept)[:MOST_HEADERS]}


def query_of(request: HttpRequest) -> str:
    """Return the query as ASCII, without fields that may hold a secret. WSGI gives its bytes as Latin-1."""
    raw = quote_from_bytes(request.META.get("QUERY_STRING", "").encode("latin-1", "replace"), safe=PLAIN_ASCII)
    return "&".join(field for field in raw.split("&") if not SECRET.search(field.partition("=")[0]))[:MOST_QUERY]
