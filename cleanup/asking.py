"""Ask one web address for a picture: who may be asked, what counts as an answer, and how often one host is asked."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from mediasync.core.clock import Clock

from .hosts.base import type_of

LONGEST = 2000  # characters; longer ones are no addresses of pictures, and no database indexes them
LEAST = 1024  # bytes; less is a placeholder or a tracking point
MOST = 64 << 20
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 4
LOST = 9  # questions in a row that reach nobody, and a host counts as away …
AWAY = 600.0  # … for so many seconds, in which it is not asked: each question may take as long as TIMEOUT
BUSY = frozenset({408, 425, 429})  # and every 5xx: it says nothing about the picture
CONNECT, READ = 10.0, 30.0  # seconds
HEADERS = {"User-Agent": "mediasync", "Accept": "image/*,audio/*;q=0.9,*/*;q=0.1", "Accept-Encoding": "identity"}
SOUNDS = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9", b"fLaC", b"OggS")
MARKS = (b"RIFF", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"\xff\x0a")  # WAV; BMP, TIFF, ICO, JPEG XL

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it. ``final`` is False where asking later may help (busy, unreachable); ``reason`` is a code.

    ``soon`` is False where it cannot help now: the host is away.
    """

    ok: bool
    reason: str = ""
    status: int = 0
    content_type: str = ""
    length: int = 0  # bytes; 0 = not said
    final: bool = True
    soon: bool = True


class Pace:
    """Let each host be asked only so often, whoever asks."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._interval = 1.0 / per_second if per_second > 0 else 0.0
        self._clock = clock
        self._next: dict[str, float] = {}
        self._lost: dict[str, int] = {}  # host → questions in a row that did not reach it
        self._away: dict[str, float] = {}  # host → when it may be asked again after those
        self._lock = threading.Lock()

    def wait(self, host: str) -> None:
        """Sleep until this host may be asked."""
        with self._lock:
            now = self._clock.monotonic()
            at = max(now, self._next.get(host, now))
            self._next[host] = at + self._interval
        if at > now:
            self._clock.sleep(at - now)

    def slower(self, host: str, seconds: float) -> None:
        """Leave a host alone for a while."""
        with self._lock:
            self._next[host] = max(self._next.get(host, 0.0), self._clock.monotonic() + seconds)

    def heard(self, host: str, reached: bool) -> None:
        """Note whether a question reached its host."""
        with self._lock:
            self._lost[host] = 0 if reached else self._lost.get(host, 0) + 1
            if self._lost[host] >= LOST:
                self._away[host] = self._clock.monotonic() + AWAY

    def away(self, host: str) -> bool:
        """Tell whether a host is not to be asked now, as nothing reached it lately; then one question finds out."""
        with self._lock:
            return self._lost.get(host, 0) >= LOST and self._clock.monotonic() < self._away[host]


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host; OSError if it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Asker:
    """Asks with GET; connects to the very address that was looked at, so that a name cannot change in between.

    ``own`` are hosts (of our image hosts) that may lie in our own network. ``plain`` allows http.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        own: frozenset[str] = frozenset(),
        plain: bool = False,
        resolve: Resolve = resolve,
        ca_file: str = "",
    ) -> None:
        self._pace = pace
        self._own = own
        self._plain = plain
        self._resolve = resolve
        self._ca_file = ca_file

    def ask(self, url: str, *, sound: bool = False, full: bool = False) -> Answer:
        """Ask for the picture (or ``sound``) at ``url``; ``full`` loads all of it and looks at its first bytes."""
        from urllib3.exceptions import HTTPError  # here and below on first use: the start of Django needs none of it

        for _ in range(HOPS):
            refused = self._may(url)
            if refused is not None:
                return refused
            host = (urlsplit(url).hostname or "").lower()
            if self._pace.away(host):
                return Answer(False, "url_unreachable", final=False, soon=False)
            try:
                response = self._send(url, full)
            except (HTTPError, OSError, UnicodeError, ValueError) as error:
                answer = _no_answer(error)
                if not answer.final:
                    self._pace.heard(host, reached=False)
                return answer
            self._pace.heard(host, reached=True)
            try:
                if response.status not in REDIRECTS:
                    return self._judge(url, response, sound, full)
                url = urljoin(url, response.headers.get("Location", "") or "//")
            except (HTTPError, OSError, ValueError) as error:
                return _no_answer(error)
            finally:
                response.close()
        return Answer(False, "url_redirects")

    def _may(self, url: str) -> Answer | None:
        """Return why an address is not asked at all."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return Answer(False, "url_bad")
        host = (parts.hostname or "").lower()
        if not host or parts.scheme not in ("http", "https") or len(url) > LONGEST or not url.isprintable():
            return Answer(False, "url_bad")
        if parts.username is not None or parts.password is not None:
            return Answer(False, "url_bad")
        if parts.scheme == "http" and not self._plain:
            return Answer(False, "url_plain")
        if host not in self._own and port not in (None, 80, 443, 8080, 8443):
            return Answer(False, "url_private")
        return None

    def _send(self, url: str, full: bool) -> Any:
        import certifi
        import urllib3
        from requests.utils import get_environ_proxies

        parts = urlsplit(url)
        host, tls = (parts.hostname or "").lower(), parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        headers = HEADERS if full else HEADERS | {"Range": "bytes=0-0"}
        self._pace.wait(host)
        timeout, ca_file = urllib3.Timeout(connect=CONNECT, read=READ), self._ca_file or certifi.where()
        options: dict[str, Any] = {"headers": headers, "timeout": timeout, "retries": False, "redirect": False}
        proxy = get_environ_proxies(url).get(parts.scheme)
        if proxy:
            if _is_literal(host) and not self._public(host, host):
                raise _Private
            manager = urllib3.ProxyManager(proxy, ca_certs=ca_file)
            return manager.request("GET", url, preload_content=False, **options)
        found = self._resolve(host, port)
        if not found or not all(self._public(host, each) for each in found):
            raise _Private
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        options["headers"] = headers | {"Host": parts.netloc}
        pool: Any
        if tls:
            pool = urllib3.HTTPSConnectionPool(
                found[0], port, server_hostname=host, assert_hostname=host, ca_certs=ca_file
            )
        else:
            pool = urllib3.HTTPConnectionPool(found[0], port)
        return pool.urlopen("GET", target, preload_content=False, **options)

    def _public(self, host: str, address: str) -> bool:
        """Tell whether an address lies in the public net; those of our own hosts may lie anywhere."""
        if host in self._own:
            return True
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and (inner := found.ipv4_mapped or found.sixtofour):
            return inner.is_global and not inner.is_multicast
        return found.is_global and not found.is_multicast

    def _judge(self, url: str, response: Any, sound: bool, full: bool) -> Answer:
        status = int(response.status)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:100]
        if status in BUSY or status >= 500:
            self._pace.slower(urlsplit(url).hostname or "", 10.0)
            return Answer(False, "url_busy", status, kind, final=False)
        if status == 416:  # a server that knows no ranges of this file
            return Answer(False, "url_status", status, kind) if full else self.ask(url, sound=sound, full=True)
        if status not in (200, 206):
            return Answer(False, "url_status", status, kind)
        if not kind.startswith("audio/" if sound else "image/") or kind == "image/svg+xml":
            return Answer(False, "url_type", status, kind)
        length = _length(response)
        if not full and not length and status == 206:  # "bytes 0-0/*"
            return self.ask(url, sound=sound, full=True)
        if full or not length:
            data = _read(response)
            if not _begins_well(data, sound):
                return Answer(False, "url_content", status, kind, len(data))
            length = len(data)
        if length <= LEAST:
            return Answer(False, "url_small", status, kind, length)
        return Answer(True, "", status, kind, length)


class _Private(ValueError):
    """The name leads into our own network."""


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _length(response: Any) -> int:
    """Return how long the whole is, as far as the headers say."""
    text = response.headers.get("Content-Length", "")
    if response.status == 206:
        text = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(text[:15]) if text.isascii() and text.isdigit() else 0


def _read(response: Any) -> bytes:
    """Return the first MOST bytes; what was announced and did not come raises HTTPError."""
    data = bytearray()
    while len(data) < MOST and (piece := response.read(65536)):
        data += piece
    return bytes(data)


def _begins_well(data: bytes, sound: bool) -> bool:
    """Tell whether the first bytes are of a picture (or sound), whatever the header said."""
    if type_of(data) and not sound:
        return True
    boxed = data[4:8] == b"ftyp"  # AVIF and HEIC, or M4A
    return boxed or data.startswith((SOUNDS + MARKS[:1]) if sound else MARKS[1:])


def _no_answer(error: Exception) -> Answer:
    if isinstance(error, _Private):
        return Answer(False, "url_private")
    if isinstance(error, UnicodeError | ValueError):
        return Answer(False, "url_bad")
    if "certificate" in str(error).lower():
        return Answer(False, "url_tls", final=False)
    return Answer(False, "url_unreachable", final=False)
