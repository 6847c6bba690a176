"""The description of the HTTP API (OpenAPI 3.1), made from the operations and their types."""

from __future__ import annotations

import inspect
import re
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from chatroom.doors import apimessages, apirooms, apiusers, apiwebhooks
from chatroom.doors import apitypes as t
from chatroom.doors.http import API_BODY
from chatroom.doors.operations import API, PARTS, Operation

DECLARED = (apimessages, apirooms, apiusers, apiwebhooks)
"""Where the operations are declared: importing them has made them known."""

_ABOUT = f"""\
Publish messages in the rooms of this server, read them, and run it.

A program shows its key: `Authorization: Bearer KEY`. Keys are made by `chatroom key add NAME --can
SCOPE`; what each operation needs is said beside it. The token of somebody's login, or of the site that
this server is embedded in, is good for what its user may.

Bodies are JSON, of at most {API_BODY} bytes. What cannot be done is answered with a fitting status and
`{{"error": {{"code", "message"}}}}`, where trying again may help with `retry_after`, in seconds.

What happens in a room is told as it happens by `GET /rooms/{{room}}/events`: server-sent events, whose
`Last-Event-ID` goes on after an event that is known, and misses nothing. A key needs `read:ROOM`.
"""

_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "The request is not as it is described here.",
    HTTPStatus.UNAUTHORIZED: "No key is shown, or one that is unknown or was revoked.",
    HTTPStatus.FORBIDDEN: "The key may not do that, or its bot is banned or muted.",
    HTTPStatus.NOT_FOUND: "There is no such room, message or user, or none that may be seen.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too fast: wait for `retry_after` seconds.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The server cannot keep or read it now; nothing was done.",
}
_BODY_REFUSALS = {
    HTTPStatus.CONFLICT: "It contradicts what is there: a name that is taken, a room that there is.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body or the text is too long.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON.",
}

STREAM = "/rooms/{room}/events"
"""What is no operation: its answer does not end (`stream`)."""

_PART = re.compile(r"<\w+:(\w+)>")
_TEMPLATE = "#/components/schemas/{name}"


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole of it."""
    paths: dict[str, dict[str, Any]] = {}
    for one in API.operations:
        paths.setdefault(path_of(one), {})[one.method.lower()] = _operation(one)
    paths[STREAM] = {"get": _stream()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "chatroom", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


@lru_cache(maxsize=1)
def encoded() -> bytes:
    """The same, as it is served."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1) + b"\n"


def path_of(one: Operation) -> str:
    """An operation's path, its parts in braces."""
    return _PART.sub(r"{\1}", one.path)


def about(docstring: str | None) -> tuple[str, str]:
    """A docstring's first paragraph, in one line, and all of it."""
    text = inspect.cleandoc(docstring or "")
    return " ".join(text.partition("\n\n")[0].split()), text


def _schemas() -> dict[str, Any]:
    kinds: set[type[Struct]] = {t.Failed}
    for one in API.operations:
        kinds |= {kind for kind in (one.body, one.answer, *one.others.values()) if kind is not None}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    _roots, components = msgspec.json.schema_components(ordered, ref_template=_TEMPLATE)
    for schema in components.values():
        if "description" in schema:
            # Python 3.13 takes a docstring's indentation away, earlier ones do not.
            schema["description"] = inspect.cleandoc(schema["description"])
    return dict(sorted(components.items()))


def _operation(one: Operation) -> dict[str, Any]:
    summary, text = about(one.about)
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": summary,
        "description": f"{text}\n\nA key needs `{one.needs}`.",
        "parameters": [*_path_parameters(one), *_query_parameters(one), *_header_parameters(one)],
        "responses": _responses(one),
    }
    if one.body is not None:
        found["requestBody"] = {"required": True, "content": _json(one.body)}
    return found


def _stream() -> dict[str, Any]:
    place = {"type": "string", "pattern": "^([0-9a-f]+:)?[0-9]+$"}
    return {
        "operationId": "listen",
        "summary": "Be told of what happens in a room, as it happens.",
        "description": (
            "Be told of what happens in a room, as it happens.\n\nServer-sent events: each has the event as"
            " JSON, and its place in the log as its id. Who comes back with the last one's id misses"
            " nothing.\n\nA key needs `read:ROOM`."
        ),
        "parameters": [
            _given("room", "path", PARTS["room"]),
            {"name": "Last-Event-ID", "in": "header", "schema": place},
            {"name": "since", "in": "query", "description": "The same, for the first time.", "schema": place},
        ],
        "responses": {
            "200": {
                "description": "The events.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **{
                str(status.value): {"description": what, "content": _json(t.Failed)}
                for status, what in _REFUSALS.items()
            },
        },
    }


def _given(name: str, where: str, kind: Any) -> dict[str, Any]:
    # An empty part is no part of a path.
    schema = msgspec.json.schema(kind)
    if schema.get("type") == "string":
        schema["minLength"] = max(1, schema.get("minLength", 1))
    return {"name": name, "in": where, "required": True, "schema": schema}


def _path_parameters(one: Operation) -> list[dict[str, Any]]:
    return [_given(name, "path", PARTS[name]) for name in _PART.findall(one.path)]


def _query_parameters(one: Operation) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    (_root,), components = msgspec.json.schema_components([one.query])
    found = []
    for name, schema in components[one.query.__name__]["properties"].items():
        # Left out is what `null` is in JSON.
        choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
        found.append({"name": name, "in": "query", "schema": choices[0]})
    return found


def _header_parameters(one: Operation) -> list[dict[str, Any]]:
    if not one.keyed:
        return []
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "With it the request can be sent again: it is done once.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        }
    ]


def _responses(one: Operation) -> dict[str, Any]:
    found: dict[HTTPStatus, dict[str, Any]] = {one.status: _answer(one.status, one.answer)}
    found |= {status: _answer(status, kind) for status, kind in one.others.items()}
    if one.method == "GET":
        found[HTTPStatus.NOT_MODIFIED] = {"description": "Still what `If-None-Match` says."}
    refusals = _REFUSALS | ({} if one.body is None else _BODY_REFUSALS)
    for status, what in refusals.items():
        found[status] = {"description": what, "content": _json(t.Failed)}
    return {str(status.value): found[status] for status in sorted(found)}


def _answer(status: HTTPStatus, kind: type[Struct] | None) -> dict[str, Any]:
    if kind is None:
        return {"description": status.phrase}
    return {"description": about(kind.__doc__)[0], "content": _json(kind)}


def _json(kind: type[Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _TEMPLATE.format(name=kind.__name__)}}}
