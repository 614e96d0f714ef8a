"""openapi-core as a judge of one request and its answer."""

from __future__ import annotations

from collections.abc import Iterator

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from tests.fakes.server import Request, Response


def complaints(document: OpenAPI, request: Request, response: Response) -> list[str]:
    """Return what the document has against a request and its answer, one line each, without its thousand lines."""
    asked = as_openapi(request)
    answered = MockResponse(response.body, response.status, content_type=response.content_type)
    found: list[str] = []
    try:
        document.validate_request(asked)
        if response.body:
            document.validate_response(asked, answered)
    except OpenAPIError as error:
        found = [f"{request.method} {request.path}: {text}" for text in _texts(error)]
    return found


def as_openapi(request: Request) -> MockRequest:
    """Return a request as openapi-core takes it."""
    args: dict[str, list[str]] = {}
    for name, value in request.query:
        args.setdefault(name, []).append(value)
    return MockRequest(
        "http://fake",
        request.method.lower(),
        request.path,
        args=args,
        headers=dict(request.headers),
        data=request.body or None,
        content_type=request.headers.get("content-type", "application/json"),
    )


def _texts(error: BaseException) -> Iterator[str]:
    reasons = getattr(error, "schema_errors", None)
    if reasons is not None:
        yield from (reason.message[-200:] for reason in reasons)
    elif error.__cause__ is not None:
        yield from _texts(error.__cause__)
    else:
        yield str(error)[:200]
