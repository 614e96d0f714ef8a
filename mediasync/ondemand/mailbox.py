"""Read the mails of one IMAP folder and have the films and episodes looked for that they name.

A mail is marked as read once a server was asked about what it names, or when its title was nowhere for RETRY seconds:
a download may be moved to its place after the mail was sent. Mails that name no media file are left as they are, and
those that are older than DAYS are not looked at: their downloads are long in place.
"""

from __future__ import annotations

import datetime as dt
import imaplib
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from django.db import DatabaseError, InterfaceError

from mediasync.core import addresses
from mediasync.core.clock import Clock, system
from mediasync.core.errors import AccessDenied, MediasyncError, NotFound, Permanent, Unreachable, UsageError
from scripts import mediasync_biff as biff

logger = logging.getLogger(__name__)
Look = Callable[[str], object]  # asks about one name; raises NotFound for a title that is nowhere
MOST = 50  # mails that are fetched in one turn
DAYS = 14
MOST_BYTES = 256 * 1024  # of one mail
TIMEOUT = 30.0  # seconds for one answer
RETRY = 3600.0  # seconds after the arrival of a mail


@dataclass(frozen=True, slots=True)
class Box:
    """Where the mails are. ``tls`` False is only for a server on this machine."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    tls: bool = True

    @classmethod
    def of(cls, url: str, password: str = "") -> Box:
        """Return ``imaps://user@host/folder`` taken apart; UsageError says what is wrong with it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username:
            raise UsageError("IMAP_URL is written as imaps://user@host/folder.", code="imap_url")
        tls = parts.scheme == "imaps"
        if not tls and not addresses.is_loopback(url):
            raise UsageError("IMAP_URL must be imaps:// for another machine: the password.", code="imap_url")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        if not (folder.isascii() and folder.isprintable()):
            raise UsageError("The folder of IMAP_URL must be ASCII.", code="imap_url")
        secret = password or unquote(parts.password or "")
        return cls(parts.hostname, port or (993 if tls else 143), unquote(parts.username), secret, folder, tls)


class Reader:
    """Reads a box again and again; remembers which of its unread mails do not concern us."""

    def __init__(self, box: Box, look: Look, clock: Clock = system) -> None:
        self.box = box
        self._look = look
        self._clock = clock
        self._others: set[tuple[bytes, bytes]] = set()

    def read(self) -> int:
        """Look at some of what is new, and return how many mails were dealt with.

        Raises Unreachable, AccessDenied, Permanent.
        """
        try:
            imap = self._connect()
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unreachable(f"The mail server cannot be reached: {error}", code="imap_unreachable") from None
        try:
            return self._read(imap)
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unreachable(f"The mail server broke off: {error}", code="imap_unreachable") from None
        finally:
            _leave(imap)

    def _connect(self) -> imaplib.IMAP4:
        if self.box.tls:
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(self.box.host, self.box.port, ssl_context=context, timeout=TIMEOUT)
        return imaplib.IMAP4(self.box.host, self.box.port, timeout=TIMEOUT)

    def _read(self, imap: imaplib.IMAP4) -> int:
        try:
            imap.login(self.box.user, self.box.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:  # its text may repeat the password
            raise AccessDenied("The mail server refuses the user or the password.", code="imap_denied") from None
        quoted = self.box.folder.replace("\\", "\\\\").replace('"', '\\"')
        if imap.select(f'"{quoted}"')[0] != "OK":
            raise Permanent(f"There is no mail folder {self.box.folder}.", code="imap_folder")
        epoch = (imap.response("UIDVALIDITY")[1] or [b""])[0] or b""
        unread = [(epoch, uid) for uid in _unread(imap, self._clock.now() - dt.timedelta(days=DAYS))]
        self._others &= set(unread)
        fresh = [each for each in unread if each not in self._others]
        return sum(self._one(imap, *each) for each in fresh[-MOST:])  # the newest first: it goes on in the next turn

    def _one(self, imap: imaplib.IMAP4, epoch: bytes, uid: bytes) -> bool:
        mail, came = _fetch(imap, uid)
        names = _names(mail)
        if not names:
            self._others.add((epoch, uid))
            return False
        answers = [self._ask(name) for name in names]
        done = any(answers) or self._clock.now().timestamp() - came > RETRY
        if done:
            imap.uid("STORE", uid.decode(), "+FLAGS.SILENT", r"(\Seen)")
        return done

    def _ask(self, name: str) -> bool:
        """Ask about one name; False if that may go better later."""
        try:
            self._look(name)
        except NotFound as error:
            logger.info("a mail names %r: %s", name, error)
            return False
        except (DatabaseError, InterfaceError):
            raise  # the mail waits for the next turn
        except MediasyncError as error:
            logger.warning("a mail names %r: %s", name, error)
        except Exception:  # one mail must not stop the others
            logger.exception("a mail names %r, and looking for it failed", name)
        else:
            logger.info("a mail names %r: servers are asked", name)
        return True


def _unread(imap: imaplib.IMAP4, since: dt.datetime) -> Iterator[bytes]:
    day = imaplib.Time2Internaldate(since)[1:12]  # "07-Nov-2026"
    answer, found = imap.uid("SEARCH", "UNSEEN", "SINCE", day)
    if answer == "OK" and found and isinstance(found[0], bytes):
        yield from found[0].split()


def _fetch(imap: imaplib.IMAP4, uid: bytes) -> tuple[bytes, float]:
    """Return the beginning of a mail, and when it came, in seconds since 1970."""
    _answer, found = imap.uid("FETCH", uid.decode(), f"(INTERNALDATE BODY.PEEK[]<0.{MOST_BYTES}>)")
    for part in found:
        if isinstance(part, tuple):
            return part[1], _came(b" ".join(each[0] if isinstance(each, tuple) else each for each in found if each))
    return b"", 0.0


def _came(said: bytes) -> float:
    local = imaplib.Internaldate2tuple(said)
    return time.mktime(local) if local else 0.0


def _names(mail: bytes) -> list[str]:
    try:
        return biff.names_in(mail)
    except (ValueError, LookupError, TypeError, AttributeError, re.error, RecursionError):
        logger.warning("a mail of %d bytes cannot be read", len(mail))
        return []


def _leave(imap: imaplib.IMAP4) -> None:
    try:
        imap.logout()
    except (OSError, imaplib.IMAP4.error):
        imap.shutdown()
