"""Object storage that speaks S3 (extra ``[s3]``): ``container`` is the bucket, a locator the key.

The keys of the account come from the environment only, as ``<credential_env_prefix>_ACCESS_KEY_ID``,
``_SECRET_ACCESS_KEY`` and ``_SESSION_TOKEN``. Large files go up in parts, which are given up when somebody asks to
stop.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import AccessDenied, MediasyncError, NeedsOperator, Permanent, Transient, Unreachable
from mediasync.core.errors import UsageError as Wrong

from .base import Stored
from .environment import checked, from_environment
from .keys import key, portable, public_url

PART = 16 * 1024 * 1024  # bytes; a file up to this is one request
STYLES = ("auto", "path", "virtual")
DENIED = frozenset(
    {"AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken", "403", "401"}
    | {"AllAccessDisabled", "AccountProblem", "RequestTimeTooSkewed"}
)
LATER = frozenset({"SlowDown", "RequestTimeout", "Throttling", "TooManyRequests", "RequestLimitExceeded", "429"})


class S3:
    """The storage ``s3``."""

    label: ClassVar = _("Object storage (S3)")
    kind: ClassVar[str] = "object_storage"
    fields: ClassVar[tuple[str, ...]] = (
        *("endpoint", "region", "base_prefix", "addressing_style", "public_base_url", "credential_env_prefix"),
    )

    def __init__(self, container: str, config: Mapping[str, Any]) -> None:
        text = {name: str(config.get(name) or "").strip() for name in self.fields}
        if not container:
            raise Wrong("The bucket is missing.", code="no_bucket")
        if text["addressing_style"] not in ("", *STYLES):
            raise Wrong(f"The addressing style is one of {', '.join(STYLES)}.", code="bad_style")
        self.bucket = container
        self.endpoint = check_base_url(text["endpoint"]) if text["endpoint"] else ""
        self.region = text["region"] if text["region"] not in ("", "auto") else "us-east-1"
        self.style = text["addressing_style"] or "auto"
        self.prefix = text["base_prefix"]
        self.folder = f"{self.prefix.strip('/')}/" if self.prefix.strip("/") else ""
        self.public = text["public_base_url"]
        self.secrets = text["credential_env_prefix"] and checked(text["credential_env_prefix"])
        self._made: Any = None

    @property
    def _client(self) -> Any:
        """The client of boto3 (safe in threads); NeedsOperator when a key is missing in the environment."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Any:
        found = from_environment(self.secrets, ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"), ("SESSION_TOKEN",))
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise NeedsOperator("Object storage needs the extra [s3]: pip install boto3.", code="no_boto3") from None
        with _told(self.bucket):
            return boto3.session.Session().client(
                "s3",
                endpoint_url=self.endpoint or None,
                region_name=self.region,
                aws_access_key_id=found["ACCESS_KEY_ID"],
                aws_secret_access_key=found["SECRET_ACCESS_KEY"],
                aws_session_token=found["SESSION_TOKEN"] or None,
                config=Config(
                    signature_version="s3v4",  # signed addresses would be of the old kind, which few servers know
                    s3={"addressing_style": self.style},
                    connect_timeout=5,
                    read_timeout=60,
                    retries={"max_attempts": 2, "mode": "standard"},  # the job tries again by itself
                    max_pool_connections=32,
                    # Not every server of others knows the checksums that boto3 adds since 2025.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )

    def check(self) -> str:
        """Put a small object and remove it again."""
        probe = self.locator(f".mediasync-check-{os.getpid()}")
        with _told(self.bucket):
            _stored(self._client.put_object(Bucket=self.bucket, Key=probe, Body=b"mediasync"))
            self._client.delete_object(Bucket=self.bucket, Key=probe)
        return now_("Objects can be put into the bucket %(bucket)s.") % {"bucket": self.bucket}

    def locator(self, local: str) -> str:
        return portable(key(self.prefix, local))

    def put(self, path: Path, locator: str, tell: Callable[[int, int | None], None]) -> Stored:
        try:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                what = {"Bucket": self.bucket, "Key": locator}
                kind = mimetypes.guess_type(locator)[0] or "application/octet-stream"
                tell(0, size)
                if size <= PART:
                    with _told(self.bucket):
                        _stored(self._client.put_object(**what, Body=file.read(), ContentType=kind))
                    tell(size, size)
                else:
                    self._in_parts(file, size, what, kind, tell)
        except FileNotFoundError:
            raise Permanent("The file is gone.", code="file_missing") from None
        except OSError as error:
            raise Transient(f"The file cannot be read: {error.strerror}.", code="file_unreadable") from None
        return Stored(locator, size, public_url=self.address(locator))

    def _in_parts(self, file: Any, size: int, what: dict[str, str], kind: str, tell: Callable[..., None]) -> None:
        with _told(self.bucket):
            upload = what | {"UploadId": self._client.create_multipart_upload(**what, ContentType=kind)["UploadId"]}
            try:
                parts: list[dict[str, Any]] = []
                while piece := file.read(PART):
                    number = len(parts) + 1
                    answer = self._client.upload_part(**upload, PartNumber=number, Body=piece)
                    parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                    tell(min(size, number * PART), size)
                self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            except BaseException:  # also Stop: what lies there in parts costs money
                with suppress(Exception):
                    self._client.abort_multipart_upload(**upload)
                raise

    def exists(self, locator: str) -> int | None:
        try:
            with _told(self.bucket):
                return int(self._client.head_object(Bucket=self.bucket, Key=locator)["ContentLength"])
        except Permanent as error:
            if error.params.get("error") in ("404", "NoSuchKey", "NotFound"):
                return None
            raise

    def address(self, locator: str) -> str:
        return public_url(self.public, locator)

    def remove(self, locator: str) -> None:
        with _told(self.bucket):
            self._client.delete_object(Bucket=self.bucket, Key=locator)

    def free(self) -> int | None:
        return None

    def objects(self) -> Iterator[tuple[str, int]]:
        """Yield the key and the size of each object below ``folder``."""
        with _told(self.bucket):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.folder):
                for each in page.get("Contents", ()):
                    yield each["Key"], int(each["Size"])

    def signed(self, locator: str, seconds: int) -> str:
        """Return an address at which an object can be fetched for so long."""
        what = {"Bucket": self.bucket, "Key": locator}
        with _told(self.bucket):
            return str(self._client.generate_presigned_url("get_object", Params=what, ExpiresIn=seconds))


def _stored(answer: Mapping[str, Any]) -> None:
    """Raise Permanent for a 200 that is none of S3: a proxy or a portal says it to whatever comes."""
    if not answer.get("ETag"):
        text = "What answers is no object storage: is this the right address?"
        raise Permanent(text, code="storage_refused", error="no ETag")


@contextmanager
def _told(bucket: str) -> Iterator[None]:
    """Turn what boto3 raises into our errors; its own texts may quote the access key, so they are not used."""
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

    try:
        yield
    except MediasyncError:
        raise
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code") or "")
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        raise _error(bucket, code, status) from None
    except (ConnectionError, HTTPClientError):
        raise Unreachable("The object storage could not be reached.", code="storage_unreachable") from None
    except (BotoCoreError, ValueError, KeyError) as error:  # the last: what an answer lacks
        text = f"The object storage cannot be used: {type(error).__name__}."
        raise Permanent(text, code="storage_refused", error=type(error).__name__) from None


def _error(bucket: str, code: str, status: int) -> Exception:
    facts: dict[str, Any] = {"error": code, "status": status, "bucket": bucket}
    if code in DENIED or status in (401, 403):
        return AccessDenied(f"The object storage refuses our keys ({code}).", code="storage_denied", **facts)
    if code in LATER or status >= 500 or status in (408, 429):
        return Transient(f"The object storage cannot answer now ({code}).", code="storage_failed", **facts)
    return Permanent(f"The object storage answered {code or status}.", code="storage_refused", **facts)


STORAGE = S3
