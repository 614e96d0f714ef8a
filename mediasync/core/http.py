"""HTTP as we want it from every server: time limits, checked TLS, capped answers, and no secret in any message.

Made on ``requests``, with what it does by itself and we do not want switched off: ``.netrc`` (it would replace our
Authorization header), proxies towards this machine, redirects to other hosts, answers of any size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError, InsecureRequestWarning, ReadTimeoutError

from .addresses import check_base_url, is_loopback
from .errors import AccessDenied, Permanent, Transient, Unreachable
from .ratelimit import retry_after
from .texts import plain

MAX_BYTES = 64 * 1024 * 1024  # a section of 50,000 items is about 40 MB of JSON
MAX_REDIRECTS = 3
RETRYABLE = frozenset({408, 423, 425, 429})  # and every 5xx
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HIDDEN = "•••"

Params = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer with a status below 300."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def json(self) -> Any:
        """Return the parsed body; Permanent when it is none (a login page of a proxy, for example)."""
        try:
            found = json.loads(self.body)
            return _storable(found) if b"\\u" in self.body else found
        except (ValueError, RecursionError):
            raise Permanent("The answer is not JSON: is this the right address?", code="server_not_json") from None


class Session:
    """Requests to one base address. ``secrets`` never appear in a message that comes out of here."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        connect_timeout: float = 5.0,  # seconds
        read_timeout: float = 30.0,  # seconds between two pieces, and half of what the whole body may take
        verify: bool | str = True,  # or the path of a file with certificates
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.base_url = check_base_url(base_url)
        self._secrets = [secret for secret in secrets if secret]
        for value in (*(headers or {}).values(), *self._secrets):
            if not (value.isascii() and value.isprintable()):
                raise AccessDenied("The token has characters that no token has.", code="server_token_malformed")
        self._timeouts = (connect_timeout, read_timeout)
        self._max_bytes = max_bytes
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": "mediasync", **(headers or {})})
        self._session.verify = verify
        if verify is False:
            urllib3.disable_warnings(
                InsecureRequestWarning
            )  # a person chose it; a warning for each request helps nobody
        if not is_loopback(self.base_url):
            self._session.proxies.update(get_environ_proxies(self.base_url))

    def __repr__(self) -> str:
        return f"Session({self.base_url!r})"

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def get(self, path: str, params: Params = ()) -> Reply:
        """Send a GET; see ``request``."""
        return self.request("GET", path, params)

    def post(self, path: str, params: Params = (), body: Any = None) -> Reply:
        """Send a POST with ``body`` as JSON (none at all for None); see ``request``."""
        return self.request("POST", path, params, body)

    def request(self, method: str, path: str, params: Params = (), body: Any = None) -> Reply:
        """Return the answer of ``method`` on base address + ``path``.

        Raises Unreachable (no connection, time out, TLS), AccessDenied (401, 403), Transient (408, 425, 429, 5xx;
        ``retry_after`` from the header) and Permanent (every other status that is not 2xx, too much data).
        """
        url = self.base_url + path + ("?" + encode(params) if params else "")
        for _ in range(MAX_REDIRECTS + 1):
            status, headers, data = self._send(method, url, body)
            if status not in REDIRECTS:
                break
            url = self._redirect(method, status, url, headers.get("Location", ""))
        else:
            raise Permanent("The server redirects in a circle.", code="server_redirects")
        if 200 <= status < 300:
            return Reply(status, data, headers)
        raise self._error(status, headers, data)

    def hide(self, text: str) -> str:
        """Return ``text`` without our secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
        return text

    def said(self, data: bytes) -> str:
        """Return the beginning of an answer as text that can be stored and shown."""
        return self.hide(plain(data[:2000].decode("utf-8", "replace"))).strip()[:300]

    def _send(self, method: str, url: str, body: Any) -> tuple[int, Mapping[str, str], bytes]:
        try:
            with self._session.request(
                method, url, json=body, timeout=self._timeouts, stream=True, allow_redirects=False
            ) as response:
                return response.status_code, response.headers, self._read(response)
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise _unreachable(error, self._timeouts) from None

    def _read(self, response: requests.Response) -> bytes:
        deadline = time.monotonic() + 2 * self._timeouts[1]
        data = bytearray()
        # read1 hands over what has arrived, so that a server that drips cannot hold us beyond the deadline.
        while piece := response.raw.read1(65536, decode_content=True):
            data += piece
            if len(data) > self._max_bytes:
                raise Permanent("The answer is too large.", code="server_too_much", limit=self._max_bytes)
            if time.monotonic() > deadline:
                raise requests.ReadTimeout
        return bytes(data)

    def _redirect(self, method: str, status: int, url: str, location: str) -> str:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        same = (new.scheme, new.netloc) == (old.scheme, old.netloc)
        to_tls = old.scheme == "http" and new.scheme == "https" and new.hostname == old.hostname
        keeps_method = method == "GET" or status in (307, 308)
        if not location or not (same or to_tls) or not keeps_method:
            raise Permanent(
                f"The server redirects to {self.hide(f'{new.scheme}://{new.netloc}')}: enter that address instead.",
                code="server_redirects",
                status=status,
            )
        return target

    def _error(self, status: int, headers: Mapping[str, str], data: bytes) -> Exception:
        text = self.said(data)
        if status in (401, 403):
            return AccessDenied(f"The server refuses the token ({status}).", code="server_denied", status=status)
        if status in RETRYABLE or status >= 500:
            return Transient(
                f"The server cannot answer now ({status}).",
                code="server_busy",
                retry_after=retry_after(headers.get("Retry-After", "")),
                status=status,
                answer=text,
            )
        return Permanent(f"The server answered {status}.", code="server_refused", status=status, answer=text)


def _unreachable(error: Exception, timeouts: tuple[float, float]) -> Exception:
    """Return our error for one of requests; its own text is not used, as it may quote headers."""
    if isinstance(error, requests.exceptions.SSLError):
        return Unreachable("The TLS certificate could not be verified.", code="server_tls")
    if isinstance(error, requests.ConnectTimeout):
        return Unreachable(f"No connection within {timeouts[0]:g} s.", code="server_timeout", seconds=timeouts[0])
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return Unreachable(f"No answer within {timeouts[1]:g} s.", code="server_timeout", seconds=timeouts[1])
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader | UnicodeError):
        return Permanent("The address or the token cannot be used.", code="server_address")
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return Unreachable("The connection could not be set up: is the CA file readable?", code="server_unreachable")
    return Unreachable("The server could not be reached.", code="server_unreachable")


def _storable(found: Any) -> Any:
    if isinstance(found, str):
        return plain(found)
    if isinstance(found, list):
        return [_storable(each) for each in found]
    if isinstance(found, dict):
        return {plain(name): _storable(each) for name, each in found.items()}
    return found


def encode(params: Params) -> str:
    """Return a query string; bytes keep their values, a space becomes ``%20`` (every server reads that alike)."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params)
