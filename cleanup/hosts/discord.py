"""Discord, through a webhook: works at once, and does not last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable, UsageError
from mediasync.core.ratelimit import retry_after

from .base import Field, Kind, name_for

if TYPE_CHECKING:
    import requests

FIELDS = (Field("secret", _("Webhook"), _("https://discord.com/api/webhooks/…"), secret=True),)
WARNING = _(
    "Discord signs the addresses of attachments and lets them expire, mostly after a day: pictures put there will be "
    "missing soon. Use a folder of your own web server or S3 for anything that is to last."
)
WEBHOOK = re.compile(r"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]+")
MOST_ANSWER = 1 << 20


class Discord:
    """Pictures as attachments of messages; each upload is a new one."""

    def __init__(self, webhook: str, *, checked: bool = True) -> None:
        if checked and not WEBHOOK.fullmatch(webhook):
            raise UsageError("This is not the address of a Discord webhook.", code="host_webhook")
        self._webhook = webhook

    def upload(self, data: bytes, content_type: str) -> str:
        import requests  # on first use, as the start of Django needs none of it

        files = {"files[0]": (name_for(data, content_type), data, content_type)}
        try:
            answer = requests.post(
                self._webhook, params={"wait": "true"}, files=files, timeout=(10, 60), allow_redirects=False
            )
        except requests.RequestException:  # its text holds the webhook, which is a secret
            raise Unreachable("Discord cannot be reached.", code="host_unreachable") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            wait = retry_after(answer.headers.get("Retry-After", ""))
            raise Transient("Discord asks us to wait.", code="host_busy", retry_after=wait)
        if answer.status_code in (401, 403, 404):
            raise AccessDenied("Discord does not know this webhook any more.", code="host_denied")
        return self._address(answer)

    @staticmethod
    def _address(answer: requests.Response) -> str:
        try:
            url = answer.json()["attachments"][0]["url"] if len(answer.content) <= MOST_ANSWER else None
        except (ValueError, LookupError, TypeError):
            url = None
        if answer.status_code >= 300 or not isinstance(url, str) or not url.startswith("https://"):
            raise Permanent("Discord did not take the picture.", code="host_refused", status=answer.status_code)
        return url


def make(settings: Mapping[str, Any], secret: str) -> Discord:
    return Discord(secret)


KIND = Kind("discord", _("Discord webhook"), FIELDS, make, warning=WARNING)
