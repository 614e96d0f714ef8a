"""Mails as programs send them."""

from __future__ import annotations

import base64
import quopri

FILE = "My Fancy Show S07E22 Awesome Episode.mp4"
HEAD = (
    b"From nas@home Fri Nov 20 16:26:32 2026\nFrom: nas@home\nTo: me@home\nSubject: [NAS] BT download task completed\n"
)
BODY = f"Dear user,\n\nYour BT download task has been completed.\n\nFile:\n{FILE}\n\nLocation:\nVideo\n".encode()
SYNOLOGY = HEAD + b"\n" + BODY
CRLF = SYNOLOGY.replace(b"\n", b"\r\n")
BASE64 = (
    HEAD + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(BODY)
)
QUOTED = (
    HEAD
    + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    + quopri.encodestring(BODY)
)
MIXED = (
    HEAD
    + b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="xX"\n\n--xX\nContent-Type: text/plain\n\n'
    + BODY
    + b"\n--xX\nContent-Type: application/octet-stream\nContent-Disposition: attachment\n\nOther.mkv\n--xX--\n"
)
HTML = HEAD + b"Content-Type: text/html\n\n<p>File:<br>" + FILE.encode() + b"</p>\n"
QBITTORRENT = (
    b"From: qbt@home\r\nSubject: [qBittorrent] A & B (2020) [1080p] has finished downloading\r\n\r\n"
    b"Torrent name: A & B (2020) [1080p]\r\nTorrent size: 4.2 GiB\r\nSave path: /downloads\r\n\r\n"
    b"The torrent was downloaded in 3m.\r\n"
)
QUIET = b"From: a@b\nSubject: hello\n\nHow are you?\n"
ALL = [SYNOLOGY, CRLF, BASE64, QUOTED, MIXED, HTML, BODY]
