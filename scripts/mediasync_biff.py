#!/usr/bin/env python3
"""Tell mediasync of a film or episode that a mail says was downloaded.

Reads one mail on standard input, finds the names of media files in it (Synology Download Station, qBittorrent, a name
that stands alone on a line or in quotes, your own patterns) and has mediasync look for each. With -e the mail is
written to standard output, with the result appended. Whatever fails, the mail is written as it came.

Needs nothing but Python 3.8. A recipe for procmail:

    :0 fw
    * ^Subject:.*download task completed
    | MEDIASYNC_URL=http://127.0.0.1:8000 MEDIASYNC_TOKEN_FILE=$HOME/.mediasync mediasync_biff.py -e
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import email
import email.errors
import email.header
import html
import http.client
import os
import quopri
import re
import signal
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from email.message import Message
from typing import Any

VIDEO = "avi|divx|flv|iso|m2ts|m4v|mkv|mov|mp4|mpe?g|ogm|ogv|rmvb|ts|vob|webm|wmv"
LABELS = r"(?:File|File ?name|Torrent name|Torrent|Name|Title)"
GAP = r"[ \t]{0,99}"  # bounded, as all that repeats here: a mail may be made to take for ever
PATTERNS = (
    # Synology: "File:", and the name on the next line. qBittorrent: "Torrent name: X".
    r"(?im)^" + GAP + LABELS + GAP + ":" + GAP + r"\n?" + GAP + r"(\S[^\n]*)$",
    r"(?im)^\[qBittorrent\] (.+) has finished downloading",
    r"(?im)[\"“'‘]([^\"“”'‘’\n]{1,256}\.(?:" + VIDEO + r"))[\"”'’]",
    r"(?im)^" + GAP + r"([^\s:][^:\n]{0,255}\.(?:" + VIDEO + "))" + GAP + "$",
)
LOCATION = r"(?im)^" + GAP + "(?:Location|Destination|Save path)" + GAP + ":" + GAP + r"\n?" + GAP + r"(\S[^\n]*)$"
KNOWN = ("from", "to", "subject", "date", "received", "message-id", "return-path")  # one of them: it has headers
MOST_BYTES = 4 * 1024 * 1024  # of a mail that are read for names
MOST_NAMES = 10
MOST_FOUND = 100  # of one pattern in one part of a mail; some are parts of others
MOST_SUBJECT = 2000  # characters
LONGEST = 256  # characters of a name
MOST_ANSWER = 16 * 1024
LIMIT = 60  # seconds for everything; then the mail goes on without a result


class Late(BaseException):
    """The time is up, or somebody ends us: write the mail and go."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


# -- Names


def names_in(mail: bytes, patterns: Sequence[str] = (), locations: Sequence[str] = ()) -> list[str]:
    """Return the names of media files that a mail speaks of, each once, at most MOST_NAMES.

    ``patterns`` come before ours; the first group of each is the name. With ``locations`` a mail that names another
    folder is left alone.
    """
    found: list[str] = []
    for raw in _texts(mail[:MOST_BYTES]):
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        where = re.search(LOCATION, text)
        if locations and where and not any(_under(where.group(1), each) for each in locations):
            return []
        for pattern in (*patterns, *PATTERNS):
            for match in re.finditer(pattern, text):
                name = (match.group(1) if match.re.groups else match.group()).strip().strip("\"'“”‘’")[:LONGEST]
                if name and name not in found:
                    found.append(name)
                if len(found) >= MOST_FOUND:
                    break
    return _without_parts(found)[:MOST_NAMES]


def _under(place: str, wanted: str) -> bool:
    first, second = place.strip().strip("/").lower(), wanted.strip().strip("/").lower()
    return first == second or first.startswith(second + "/")


def _without_parts(names: Iterable[str]) -> list[str]:
    """Leave out the subject's words where the body gives the same name in full: "Film" beside "Film.mkv"."""
    names = list(names)
    return [name for name in names if not any(name != other and other.startswith(name + ".") for other in names)]


def _texts(mail: bytes) -> Iterator[str]:
    message = _parsed(mail)
    if message is None:  # procmail's flag "b" gives us the body alone
        yield mail.decode("utf-8", "replace")
        return
    yield _subject(message)
    for part in message.walk():
        if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            yield _text(part)


def _subject(message: Message) -> str:
    raw = " ".join(str(message.get("subject", ""))[:MOST_SUBJECT].split())
    try:
        return str(email.header.make_header(email.header.decode_header(raw)))
    except (ValueError, LookupError, email.errors.MessageError):
        return raw


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        text = raw.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    if part.get_content_subtype() == "html":
        text = re.sub(r"(?i)<(?:br|/p|/div|/tr|/td|/li)\b[^<>]*>", "\n", text)
        text = html.unescape(re.sub(r"<[^<>]*>", "", text))
    return text


def _parsed(mail: bytes) -> Message | None:
    """Return the mail taken apart; None if it has no headers."""
    message = email.message_from_bytes(mail)
    names = {name.lower() for name in message}
    return message if names & set(KNOWN) else None


# -- Asking


def ask(url: str, token: str, name: str, timeout: float) -> str:
    """Have mediasync look for a name and return its answer as text. Raises RuntimeError with a sentence."""
    if not url.lower().startswith(("http://", "https://")):
        raise RuntimeError("MEDIASYNC_URL must begin with http:// or https://")
    if not token.isascii() or not token.isprintable() or " " in token:  # an error of urllib would show it
        raise RuntimeError("The token holds a space, a line break or other signs that no token has.")
    request = urllib.request.Request(
        url.rstrip("/") + "/update/from_name/",
        urllib.parse.urlencode({"name": name}, errors="replace").encode(),
        {"Authorization": "Bearer " + token, "Accept": "text/plain", "User-Agent": "mediasync-biff"},
    )
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=timeout) as answer:
            return str(answer.read(MOST_ANSWER).decode("utf-8", "replace")).strip()
    except urllib.error.HTTPError as error:
        text = error.read(MOST_ANSWER).decode("utf-8", "replace").strip()
        raise RuntimeError(f"{error.code} {text or error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(str(getattr(error, "reason", error)) or type(error).__name__) from None


# -- The mail with the result


def with_result(mail: bytes, result: str) -> bytes:
    """Return the mail with the result where its reader sees it: at the end of its text, else in a header."""
    message = _parsed(mail) if len(mail) <= MOST_BYTES else None
    end = b"\r\n" if b"\r\n" in mail[:2000] else b"\n"
    if message is None:
        return _headed(mail, result, end) if len(mail) > MOST_BYTES else _appended(mail, result.encode(), end)
    encoding = str(message.get("content-transfer-encoding", "7bit")).strip().lower()
    if message.get_content_type() == "multipart/mixed":
        return _with_part(mail, message.get_boundary() or "", result, end) or _headed(mail, result, end)
    if message.get_content_type() == "text/plain":
        try:
            text = result.encode(message.get_content_charset() or "ascii", "replace")
        except LookupError:
            text = result.encode("ascii", "replace")
        if encoding in ("7bit", "8bit", "binary"):
            return _appended(mail, text, end)
        if encoding == "quoted-printable":
            return _appended(mail, quopri.encodestring(text), end)
        if encoding == "base64":
            head, _, body = mail.partition(end + end)
            whole = _appended(base64.b64decode(body), text, b"\n")
            return head + end + end + base64.encodebytes(whole).replace(b"\n", end)
    return _headed(mail, result, end)


def _appended(mail: bytes, text: bytes, end: bytes) -> bytes:
    gap = end if mail.endswith(end) else end + end
    return mail + gap + b"-- mediasync:" + end + text.replace(b"\r\n", b"\n").replace(b"\n", end) + end


def _with_part(mail: bytes, boundary: str, result: str, end: bytes) -> bytes | None:
    last = end + b"--" + boundary.encode("ascii", "replace") + b"--"
    at = mail.rfind(last)
    if not boundary or at < 0:
        return None
    head = [last[: -len(b"--")], b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: base64"]
    body = base64.encodebytes(("mediasync:\n" + result + "\n").encode()).rstrip().replace(b"\n", end)
    return mail[:at] + end.join([*head, b"", body]) + mail[at:]


def _headed(mail: bytes, result: str, end: bytes) -> bytes:
    value = email.header.Header(" | ".join(result.split("\n"))[:900], "utf-8", header_name="X-Mediasync").encode()
    line = b"X-Mediasync: " + value.encode("ascii").replace(b"\r\n", b"\n").replace(b"\n", end) + end
    if mail.startswith(b"From "):  # the line of an mbox stays the first
        first, gap, rest = mail.partition(b"\n")
        return first + gap + line + rest
    return line + mail


# -- The program


def result_for(mail: bytes, arguments: Sequence[str]) -> tuple[str, bool]:
    """Return what came of a mail, as text, and whether all went well. Raises nothing but Late and SystemExit."""
    options = _options(arguments)
    try:
        names = names_in(mail, options.pattern, options.location)
        token = options.token
        if options.token_file:
            with open(options.token_file, encoding="utf-8") as file:
                token = file.read().strip()
        if not names:
            return "No media file is named in this mail.", True
        if not options.url or not token:
            return "Give MEDIASYNC_URL and MEDIASYNC_TOKEN (or MEDIASYNC_TOKEN_FILE).", False
        lines, well = [], True
        for name in names:
            try:
                lines.append(f"{name}:\n{ask(options.url, token, name, options.timeout)}")
            except RuntimeError as error:
                lines.append(f"{name}: failed: {error}")
                well = False
        return "\n".join(lines), well
    except Exception as error:  # a mail may hold anything, and must go on
        return f"failed: {type(error).__name__}: {error}", False


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    summary = (__doc__ or "").split("\n\n")[0]
    parser = argparse.ArgumentParser(description=summary, allow_abbrev=False, add_help=not _wants_echo(arguments))
    add = parser.add_argument
    add("-e", "--echo", action="store_true", help="write the mail to standard output, with the result appended")
    add("--url", default=os.environ.get("MEDIASYNC_URL", ""), help="default: $MEDIASYNC_URL")
    add("--token-file", default=os.environ.get("MEDIASYNC_TOKEN_FILE", ""), help="default: $MEDIASYNC_TOKEN_FILE")
    add("--pattern", action="append", default=[], metavar="REGEX", help="its first group is the name of a file")
    add("--location", action="append", default=[], help="only mails that name this folder (Synology: Video)")
    add("--timeout", type=float, default=20.0, help="seconds for one answer (default: 20)")
    options = parser.parse_args(arguments)
    options.token = os.environ.get("MEDIASYNC_TOKEN", "").strip()
    return options


def _signals(handler: Any) -> None:
    for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGALRM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handler)


def _late(number: int, _frame: Any) -> None:
    _signals(signal.SIG_IGN)  # a second one would come while the mail is written
    raise Late(f"ended by signal {number}")


def _wants_echo(words: Sequence[str]) -> bool:
    """Tell whether -e is given, also as one of several letters, and whatever is wrong with the other words."""
    return any(word == "--echo" or (word[:1] == "-" and word[:2] != "--" and "e" in word) for word in words)


def _answer(mail: bytes, words: Sequence[str], echo: bool) -> tuple[bytes, bool]:
    """Return what is to be written, and whether all went well; the mail as it came if anything fails."""
    try:
        _signals(_late)
        if hasattr(signal, "alarm"):
            signal.alarm(LIMIT)
        result, well = result_for(mail, words)
        output = with_result(mail, result) if echo else (result + "\n").encode("utf-8", "replace")
        _signals(signal.SIG_IGN)
        return output, well
    except BaseException as error:  # Late, SystemExit of wrong options, anything
        _signals(signal.SIG_IGN)
        with contextlib.suppress(Exception):  # nobody listens, or the disk of the log is full
            sys.stderr.write(f"mediasync_biff: {error}\n")
            sys.stderr.flush()
        return (mail if echo else b""), False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit code: with -e 0 as soon as the mail was written, else 1 if something failed."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    echo = _wants_echo(words)
    if not echo and ("-h" in words or "--help" in words):
        _options(["--help"])
    output, well = _answer(sys.stdin.buffer.read(), words, echo)
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
    return 0 if echo or well else 1


if __name__ == "__main__":
    os._exit(main())  # all is written; Python's own end would fail where standard error is closed
