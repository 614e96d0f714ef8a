"""S3-compatible object storage (needs the extra ``s3``: boto3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import AccessDenied, NeedsOperator, Permanent, Transient, UsageError

from .base import Field, Kind, base_address, name_for, words

FIELDS = (
    Field("endpoint", _("Endpoint"), _("https://s3.example.org; leave it empty for Amazon."), required=False),
    Field("region", _("Region"), default="us-east-1"),
    Field("bucket", _("Bucket")),
    Field("prefix", _("Prefix"), _("Put before each name, as plex/."), required=False),
    Field("access_key", _("Access key")),
    Field("secret", _("Secret key"), secret=True),
    Field("url", _("Public address"), _("Where the bucket is read without a key: https://art.example.org")),
)
DENIED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "401"})
BUSY = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "500", "503"})


class S3:
    """Pictures as ``<prefix><sha1>.jpg`` in one bucket."""

    def __init__(self, found: Mapping[str, str], secret: str) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise NeedsOperator(
                'boto3 is not installed: install mediasync with its extra "s3".', code="host_no_boto3"
            ) from None
        if not secret:
            raise UsageError("Enter the secret key.", code="host_incomplete", name="secret")
        self.bucket, self.prefix, self.url = found["bucket"], found["prefix"], base_address(found["url"])
        self._client = boto3.client(
            "s3",
            endpoint_url=check_base_url(found["endpoint"]) if found["endpoint"] else None,
            region_name=found["region"],
            aws_access_key_id=found["access_key"],
            aws_secret_access_key=secret,
            # Path style: rclone, MinIO and most others know no host for each bucket. Checksums only where they must be.
            config=Config(
                connect_timeout=10,
                read_timeout=60,
                retries={"max_attempts": 2},
                s3={"addressing_style": "path"} if found["endpoint"] else {},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def upload(self, data: bytes, content_type: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        key = self.prefix + name_for(data, content_type)
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=content_type)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in DENIED:
                raise AccessDenied("The storage refuses our key.", code="host_denied") from None
            kind = Transient if code in BUSY else Permanent
            raise kind(f"The storage refuses the picture: {code}", code="host_refused", answer=code) from None
        except (BotoCoreError, OSError) as error:
            name = type(error).__name__  # its text may hold the address with a key in it
            raise Transient(f"The storage cannot be reached: {name}", code="host_unreachable") from None
        return f"{self.url}/{key}"


def make(settings: Mapping[str, Any], secret: str) -> S3:
    return S3(words(settings, FIELDS), secret)


KIND = Kind("s3", _("S3-compatible storage"), FIELDS, make, own=True)
