"""A small IMAP server (RFC 3501) on loopback, over plain TCP, with one folder of mails."""

from __future__ import annotations

import datetime as dt
import imaplib
import re
import socketserver
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

PASSWORD = "open sesame"


@dataclass
class Mail:
    """A mail with its flags; ``came`` is its INTERNALDATE, two hours ago unless it is said."""

    body: bytes
    came: str = field(default_factory=lambda: imaplib.Time2Internaldate(time.time() - 7200))
    flags: set[str] = field(default_factory=set)


class FakeImap:
    """Use it as a context manager. ``cut``: break the connection at the next command with this word."""

    def __init__(self, *bodies: bytes) -> None:
        self.mails = {number: Mail(body) for number, body in enumerate(bodies, 1)}
        self.commands: list[str] = []
        self.cut = ""
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"* OK ready\r\n")
                while line := self.rfile.readline():
                    tag, _, command = line.decode().strip().partition(" ")
                    outer.commands.append(command)
                    if outer.cut and outer.cut in command:
                        return
                    for answer in outer.answers(command):
                        self.wfile.write(answer + b"\r\n")
                    self.wfile.write(f"{tag} {outer.verdict(command)}\r\n".encode())
                    if command.startswith("LOGOUT"):
                        return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> FakeImap:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def verdict(self, command: str) -> str:
        if command.startswith("LOGIN") and f'"{PASSWORD}"' not in command:
            return f"NO [AUTHENTICATIONFAILED] wrong: {command}"
        if command.startswith("SELECT") and "INBOX" not in command and "Downloads" not in command:
            return "NO [NONEXISTENT] no such folder"
        return "OK done"

    def answers(self, command: str) -> list[bytes]:
        """Return the untagged answers to a command, and do what it says."""
        word = command.split(" ")[0]
        if word == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1"]
        if word == "SELECT":
            return [f"* {len(self.mails)} EXISTS".encode(), b"* OK [UIDVALIDITY 7] valid"]
        if word == "LOGOUT":
            return [b"* BYE"]
        if found := re.match(r"UID SEARCH UNSEEN SINCE (\S+)$", command):
            since = _day(found[1])
            new = [
                str(number) for number, mail in self.mails.items() if mail.flags == set() and _day(mail.came) >= since
            ]
            return [" ".join(["* SEARCH", *new]).encode()]
        if found := re.match(r"UID STORE (\d+) \+FLAGS.SILENT \((\S+)\)", command):
            self.mails[int(found[1])].flags.add(found[2])
        if found := re.match(r"UID FETCH (\d+) \(INTERNALDATE BODY.PEEK\[\]<0.(\d+)>\)", command):
            mail = self.mails[int(found[1])]
            body = mail.body[: int(found[2])]
            head = f"* {found[1]} FETCH (UID {found[1]} INTERNALDATE {mail.came} BODY[]<0> {{{len(body)}}}\r\n"
            return [head.encode() + body + b")"]
        return []


def _day(said: str) -> dt.datetime:
    return dt.datetime.strptime(said.strip('"')[:11].strip(), "%d-%b-%Y").replace(tzinfo=dt.UTC)
