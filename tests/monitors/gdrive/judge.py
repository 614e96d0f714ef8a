"""Google's discovery documents, as they come with its client, as a judge of what we ask and what the fake answers."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft7Validator

from tests.fakes.server import Request, Response

DROPPED = {"id", "format", "enumDescriptions", "annotations", "readOnly", "deprecated", "enumDeprecated"}
SERVICES = {"/drive/v3/": "drive.v3", "/v2/": "driveactivity.v2"}


@cache
def document(name: str) -> dict[str, Any]:
    """Return a discovery document by name."""
    folder = resources.files("googleapiclient") / "discovery_cache" / "documents"
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return found


@cache
def validator(name: str, schema: str) -> Draft7Validator:
    """Return what checks one schema of a document; unknown fields are wrong."""
    schemas = {key: _as_draft7(each) for key, each in document(name)["schemas"].items()}
    return Draft7Validator({"$ref": f"#/definitions/{schema}", "definitions": schemas})


def complaints(request: Request, response: Response) -> list[str]:
    """Return what the documents have against a request and its answer, one line each."""
    name = next((name for start, name in SERVICES.items() if request.path.startswith(start)), None)
    if name is None:
        return [] if request.path == "/token" else [f"nobody knows {request.path}"]
    method = _method(name, request)
    if method is None:
        return [f"no such method: {request.method} {request.path}"]
    allowed = {**document(name)["parameters"], **method.get("parameters", {})}
    wrong = [
        f"{request.path}: parameter {key}={value}" for key, value in request.query if not _fits(allowed.get(key), value)
    ]
    if "request" in method:
        wrong += judged(name, method["request"]["$ref"], json.loads(request.body))
    if response.status == 200:
        wrong += judged(name, method["response"]["$ref"], json.loads(response.body))
    return wrong


def judged(name: str, schema: str, thing: Any) -> list[str]:
    """Return what is wrong with a thing."""
    return [
        f"{schema} {error.json_path}: {error.message[:200]}" for error in validator(name, schema).iter_errors(thing)
    ]


def _method(name: str, request: Request) -> dict[str, Any] | None:
    service = document(name)
    for resource in service["resources"].values():
        for method in resource["methods"].values():
            path = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(method["path"]))
            full = f"/{service['servicePath']}{path}" if name == "drive.v3" else f"/{path}"
            if method["httpMethod"] == request.method and re.fullmatch(full, request.path):
                found: dict[str, Any] = method
                return found
    return None


def _fits(parameter: dict[str, Any] | None, value: str) -> bool:
    match parameter:
        case {"type": "boolean"}:
            return value in ("true", "false")
        case {"type": "integer"}:
            low, high = int(parameter.get("minimum", 0)), int(parameter.get("maximum", 2**31))
            return value.isdecimal() and low <= int(value) <= high
        case {"enum": [*words]}:
            return value in words
        case _:
            return parameter is not None


def _as_draft7(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_as_draft7(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_schema = ("type" in schema and isinstance(schema["type"], str)) or "$ref" in schema
    out = {key: _as_draft7(value) for key, value in schema.items() if not (is_schema and key in DROPPED)}
    if "$ref" in schema and isinstance(schema["$ref"], str):
        return {"$ref": f"#/definitions/{schema['$ref']}"}
    if schema.get("type") == "object" and "properties" in schema and isinstance(schema["properties"], dict):
        out["properties"] = {key: _as_draft7(value) for key, value in schema["properties"].items()}
        out.setdefault("additionalProperties", False)
    if schema.get("type") == "any":
        return {}
    return out
