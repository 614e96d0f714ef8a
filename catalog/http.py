"""HTTP to sources: paced, polite, capped, with no secret in any message, and no way from outside into our network.

One ``Http`` serves one item in one thread. It asks again by itself after a hitch (no connection, 5xx), and never after
a refusal.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from mediasync.core import clock as clocks
from mediasync.core.addresses import is_loopback
from mediasync.core.clock import Clock
from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable
from mediasync.core.http import REDIRECTS, RETRYABLE, Params, Reply, encode
from mediasync.core.ratelimit import backoff, retry_after
from mediasync.core.texts import plain

from . import pacing, tolerant
from .errors import RateLimited, Unavailable
from .networks import may_lead

BROWSER: Mapping[str, str] = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36",
    "Accept-Language": "zh-CN,zh;q=0.9",
}
"""What platforms made for browsers want to see."""

MAX_BYTES = 32 * 1024 * 1024
ERROR_BYTES = 100_000
MAX_REDIRECTS = 5
TIMEOUT = 30.0  # seconds between two pieces; half of what a whole body may take
TRIES = 3
GOES_ALONG = frozenset({"user-agent", "accept", "accept-language", "accept-encoding", "range", "if-range"})


class Http:
    """``pace`` > 0: at most one question at a time a host, that many seconds apart, in all processes of this machine.

    ``relay`` = an address that is asked instead of every host: ``https://host/path`` becomes ``relay/host/path``.
    ``check`` is called before each question and while waiting; what it raises ends the call.
    """

    def __init__(
        self,
        *,
        pace: float = 0.0,
        relay: str = "",
        verify: bool | str = True,
        timeout: float = TIMEOUT,
        tries: int = TRIES,
        check: pacing.Check = lambda: None,
        clock: Clock = clocks.system,
    ) -> None:
        self.pace = pace
        self._relay = relay.rstrip("/")
        self._timeouts = (min(10.0, timeout), timeout)
        self._tries = tries
        self._check = check
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False  # .netrc would replace our Authorization
        self._verify = verify
        self._session.headers["User-Agent"] = "mediasync"
        if verify is False:
            urllib3.disable_warnings(InsecureRequestWarning)  # a person chose it

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, url: str, params: Params = (), **how: Any) -> Reply:
        """Send a GET; see ``request``."""
        return self.request("GET", url, params, **how)

    def json(self, url: str, params: Params = (), *, method: str = "GET", **how: Any) -> Any:
        """Return what an address says in any kind of JSON (``tolerant.read``); ParseError for anything else."""
        reply = self.request(method, url, params, **how)
        return tolerant.read(reply.body, reply.headers.get("Content-Type", ""))

    def request(
        self,
        method: str,
        url: str,
        params: Params = (),
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,  # bytes, or a form
        json: Any = None,
        came_from: str = "",
        max_bytes: int = MAX_BYTES,
    ) -> Reply:
        """Return the whole answer.

        Raises Unreachable, Transient (408, 425, 5xx), RateLimited (429), AccessDenied (401, 403), Unavailable (404,
        410), Permanent (all else that is not 2xx, and too much data).
        """
        address = _with(url, params)
        with self._asked(method, address, headers, data, json, came_from, max_bytes) as (response, body):
            return Reply(response.status_code, body or b"", response.headers)

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        params: Params = (),
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        came_from: str = "",
    ) -> Iterator[requests.Response]:
        """Lend an answer whose body was not read yet; the turn with the host is over by then. Errors: ``request``.

        ``came_from`` is the address that named this one: one of the public internet may not lead into our network.
        """
        with self._asked(method, _with(url, params), headers, data, None, came_from, None) as (response, _):
            yield response

    def limited(self, url: str, message: str, seconds: float | None = None) -> RateLimited:
        """Let the host rest (longer each time), and return the error to raise."""
        host = urlsplit(url).netloc
        wait = pacing.slow_down(host, self._clock, seconds) if self.pace > 0 else seconds
        return RateLimited(message, code="source_waits", retry_after=wait, host=host)

    @contextmanager
    def _asked(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        data: Any,
        json: Any,
        came_from: str,
        max_bytes: int | None,
    ) -> Iterator[tuple[requests.Response, bytes | None]]:
        """Ask until there is no hitch, follow where the answer leads, and read it if ``max_bytes`` is given."""
        _check_address(url)
        if came_from:
            may_lead(came_from, url)
        for attempt in range(1, self._tries + 1):
            with ExitStack() as kept:
                try:
                    response, body = self._follow(kept, method, url, dict(headers or {}), data, json, max_bytes)
                except RateLimited:
                    raise
                except Transient:
                    if attempt == self._tries:
                        raise
                else:
                    yield response, body
                    return
            pacing.rest(backoff(attempt, first=1.0, most=8.0), self._clock, self._check)

    def _follow(
        self,
        kept: ExitStack,
        method: str,
        url: str,
        headers: dict[str, str],
        data: Any,
        json: Any,
        max_bytes: int | None,
    ) -> tuple[requests.Response, bytes | None]:
        for _ in range(MAX_REDIRECTS + 1):
            response, body = self._once(kept, method, url, headers, data, json, max_bytes)
            if response.status_code not in REDIRECTS:
                self._accept(url, response, body)
                return response, body
            target = _joined(url, response.headers.get("Location", ""))
            if target == url or method not in ("GET", "HEAD", "PROPFIND"):
                break
            if _is_foreign(url, target):
                may_lead(url, target)
                headers = {name: text for name, text in headers.items() if name.lower() in GOES_ALONG}
            url = target
        raise Permanent(f"{urlsplit(url).netloc} redirects in a circle.", code="source_redirects")

    def _once(
        self,
        kept: ExitStack,
        method: str,
        url: str,
        headers: dict[str, str],
        data: Any,
        json: Any,
        max_bytes: int | None,
    ) -> tuple[requests.Response, bytes | None]:
        host = urlsplit(url).netloc
        self._check()
        try:
            with ExitStack() as turn:
                if self.pace > 0:
                    turn.enter_context(pacing.turn(host, self.pace, self._clock, self._check))
                address = self._address(url)
                asked = requests.Request(method, address, headers=headers, data=data, json=json)
                # By the adapter, not the session: that one reads the whole body of a redirect, however long.
                sent = self._session.get_adapter(address).send(
                    self._session.prepare_request(asked),
                    stream=True,
                    timeout=self._timeouts,
                    verify=self._verify,
                    proxies={} if is_loopback(address) else get_environ_proxies(address),
                )
                response = kept.enter_context(sent)
                if response.status_code >= 300:  # however long a page says so: its beginning is enough
                    return response, self._read(response, ERROR_BYTES, cut=True)
                return response, None if max_bytes is None else self._read(response, max_bytes)
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise _unreachable(error, host) from None

    def _address(self, url: str) -> str:
        parts = urlsplit(url)
        if not self._relay:
            return url
        return f"{self._relay}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    def _read(self, response: requests.Response, most: int, *, cut: bool = False) -> bytes:
        deadline = time.monotonic() + 2 * self._timeouts[1]
        data = bytearray()
        # read1 hands over what has arrived, so that a server that drips cannot hold us beyond the deadline.
        while piece := response.raw.read1(65536, decode_content=True):
            data += piece
            if len(data) > most:
                if cut:
                    break
                raise Permanent("The answer is too large.", code="source_too_much", limit=most)
            if time.monotonic() > deadline:
                raise requests.ReadTimeout
        return bytes(data)

    def _accept(self, url: str, response: requests.Response, body: bytes | None) -> None:
        status, host = response.status_code, urlsplit(url).netloc
        if 200 <= status < 300:
            return
        said = {"status": status, "host": host, "answer": plain((body or b"")[:300].decode("utf-8", "replace")).strip()}
        wait = retry_after(response.headers.get("Retry-After", ""))
        if status == 429:
            error = self.limited(url, f"{host} asks us to wait.", wait)
            error.params |= said
            raise error
        if status in (401, 403):
            raise AccessDenied(f"{host} refuses us ({status}).", code="source_denied", **said)
        if status in RETRYABLE or status >= 500:
            raise Transient(f"{host} cannot answer now ({status}).", code="source_busy", retry_after=wait, **said)
        kind = Unavailable if status in (404, 410) else Permanent
        raise kind(f"{host} answered {status}.", code="host_status", **said)


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Permanent("This is not an address.", code="bad_url")


def _joined(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    _check_address(target)
    return target


def _is_foreign(url: str, target: str) -> bool:
    """Tell whether a login for ``url`` must not be sent to ``target``: another host, or no longer encrypted."""
    before, after = urlsplit(url), urlsplit(target)
    return before.netloc != after.netloc or (before.scheme, after.scheme) == ("https", "http")


def _with(url: str, params: Params) -> str:
    return url + ("&" if "?" in url else "?") + encode(params) if params else url


def _unreachable(error: Exception, host: str) -> Exception:
    """Return our error for one of requests; its own text is not used, as it may quote an address with a secret."""
    if isinstance(error, requests.exceptions.SSLError):
        return Unreachable(f"The certificate of {host} could not be verified.", code="source_tls", host=host)
    if isinstance(error, requests.Timeout):
        return Unreachable(f"{host} did not answer in time.", code="source_timeout", host=host)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader | UnicodeError):
        return Permanent("The address cannot be used.", code="bad_url")
    return Unreachable(f"{host} could not be reached.", code="source_unreachable", host=host)
