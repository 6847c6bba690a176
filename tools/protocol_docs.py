"""Writes docs/asyncapi.json, and the tables of docs/protocol.md, from the protocol's own types.

`make docs` runs it; a test fails where what it writes is not what is committed.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from chatroom import __doc__ as about
from chatroom.domain import commands, errors, events, replies
from chatroom.domain.limits import Limits
from chatroom.wire.json import SUBPROTOCOL

DOCS = Path(__file__).parents[1] / "docs"
COMMANDS = commands.AnyCommand.__args__
LOGGED = events.Event.__args__
PASSING = events.Passing.__args__
REPLIES = replies.AnyReply.__args__

Types = tuple[type[msgspec.Struct], ...]


def name_of(part: str, one: type) -> str:
    """A name for a type that is unique in the whole document: two types are called Typing."""
    return one.__name__ if part != "command" else f"{one.__name__}Request"


def summary(one: type) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(one) or "").split("\n\n")[0].split())


def schemas(part: str, types: Types) -> dict[str, Any]:
    """JSON Schemas of the types and of what they refer to, by name."""
    _roots, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for schema in components.values():
        # Python 3.13 takes a docstring's indentation away, earlier ones do not.
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    named = {name_of(part, one): components.pop(one.__name__) for one in types}
    return named | components


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of chatroom.v1."""
    parts: dict[str, Types] = {
        "command": COMMANDS,
        "reply": REPLIES,
        "event": LOGGED,
        "passing": PASSING,
    }
    components: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for part, types in parts.items():
        components |= schemas(part, types)
        for one in types:
            name = name_of(part, one)
            messages[name] = {
                "name": str(one.__struct_config__.tag),
                "summary": summary(one),
                "contentType": "application/json",
                "payload": {"$ref": f"#/components/schemas/{name}"},
            }
    told = {"oneOf": [{"$ref": f"#/components/schemas/{one.__name__}"} for one in LOGGED]}
    for name in ("Joined", "Events"):
        components[name]["properties"]["events"]["items"] = told
    sent = [name_of("command", one) for one in COMMANDS]
    received = [name for name in messages if name not in sent]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": SUBPROTOCOL, "version": "1", "description": (about or "").strip()},
        "servers": {"local": {"host": "localhost:9000", "protocol": "ws", "pathname": "/ws"}},
        "defaultContentType": "application/json",
        "channels": {
            "chat": {
                "address": "/ws",
                "description": f"A WebSocket with the subprotocol {SUBPROTOCOL}.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            "ask": _operation("receive", "What a client may ask.", sent),
            "tell": _operation("send", "What the server answers and tells.", received),
        },
        "components": {"messages": messages, "schemas": components},
    }


def _operation(action: str, about: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": about,
        "channel": {"$ref": "#/channels/chat"},
        "messages": [{"$ref": f"#/channels/chat/messages/{name}"} for name in names],
    }


def type_table(types: Types) -> str:
    """A Markdown table: the type's tag, its fields, what it is. `?` marks a field that may be absent."""
    lines = ["| type | fields | what it is |", "| --- | --- | --- |"]
    for one in types:
        fields = [
            f"`{field.encode_name}`" + ("" if field.required else "?")
            for field in msgspec.structs.fields(one)
            if field.name != "id" or one not in COMMANDS + REPLIES
        ]
        lines.append(f"| `{one.__struct_config__.tag}` | {', '.join(fields)} | {summary(one)} |")
    return "\n".join(lines)


def error_table() -> str:
    """The error codes of this version."""
    lines = ["| code | when | try again? |", "| --- | --- | --- |"]
    lines += [
        f"| `{one.code}` | {summary(one)} | {'yes' if one.again else 'no'} |"
        for one in errors.ChatError.__subclasses__()
    ]
    return "\n".join(lines)


def close_table() -> str:
    """The close codes of our own."""
    lines = ["| code | name | come back? |", "| --- | --- | --- |"]
    for code in errors.CloseCode:
        back = "yes" if 4000 <= code < 4100 else "not as you are"
        lines.append(f"| {int(code)} | {code.name.lower()} | {back} |")
    return "\n".join(lines)


def limit_table() -> str:
    """The limits, with what the class says of each."""
    source = inspect.getsource(Limits)
    lines = ["| name | default | what it limits |", "| --- | --- | --- |"]
    for field in msgspec.structs.fields(Limits):
        found = re.search(rf'\b{field.name}: [^\n]*\n\s+"""(.*?)"""', source, re.DOTALL)
        what = found.group(1) if found else ""
        lines.append(f"| `{field.name}` | {field.default} | {what} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {
    "requests": lambda: type_table(COMMANDS),
    "replies": lambda: type_table(REPLIES),
    "logged": lambda: type_table(LOGGED),
    "passing": lambda: type_table(PASSING),
    "errors": error_table,
    "closes": close_table,
    "limits": limit_table,
}


def filled(text: str) -> str:
    """A Markdown page with each `<!-- table NAME -->` … `<!-- end -->` filled in anew."""

    def fill(found: re.Match[str]) -> str:
        return f"<!-- table {found.group(1)} -->\n{TABLES[found.group(1)]()}\n<!-- end -->"

    return re.sub(r"<!-- table (\w+) -->.*?<!-- end -->", fill, text, flags=re.DOTALL)


def written() -> dict[Path, str]:
    """What each file should hold."""
    page = DOCS / "protocol.md"
    return {
        DOCS / "asyncapi.json": json.dumps(asyncapi(), indent=1, ensure_ascii=False) + "\n",
        page: filled(page.read_text()),
    }


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text)
