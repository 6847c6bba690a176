"""The HTTP API's description as a page for people: no script, and nothing inline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from chatroom.doors.openapi import document

POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self';"
    b" frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""What the page may do: be styled."""

_HEAD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>HTTP API · chatroom</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/api.css">
</head>
<body>
<main>
<h1>HTTP API</h1>
"""


@lru_cache(maxsize=1)
def page() -> bytes:
    """The page."""
    return "".join(_parts(document())).encode()


def _parts(described: dict[str, Any]) -> Iterator[str]:
    yield _HEAD
    yield from _paragraphs(described["info"]["description"])
    yield '<p>For programs: <a href="/api/v1/openapi.json">openapi.json</a>.</p>\n<nav><ul>\n'
    operations = [
        (f"{method.upper()} /api/v1{path}", one)
        for path, methods in described["paths"].items()
        for method, one in methods.items()
    ]
    for title, one in operations:
        yield f'<li><a href="#{one["operationId"]}"><code>{escape(title)}</code></a></li>\n'
    yield "</ul></nav>\n"
    for title, one in operations:
        yield from _operation(title, one)
    yield "<h2>Types</h2>\n"
    for name, schema in described["components"]["schemas"].items():
        yield from _schema(name, schema)
    yield "</main>\n</body>\n</html>\n"


def _operation(title: str, one: dict[str, Any]) -> Iterator[str]:
    yield f'<section id="{one["operationId"]}">\n<h2><code>{escape(title)}</code></h2>\n'
    yield from _paragraphs(one["description"])
    rows = [
        (
            f"<code>{escape(given['name'])}</code>",
            given["in"],
            _type(given["schema"]),
            given.get("description", ""),
        )
        for given in one["parameters"]
    ]
    if "requestBody" in one:
        rows.append(("body", "body", _content(one["requestBody"]), ""))
    yield from _table(("What is given", "where", "as", ""), rows)
    answers = [
        (status, _content(answer), escape(answer["description"]))
        for status, answer in one["responses"].items()
    ]
    yield from _table(("Answer", "as", ""), answers)
    yield "</section>\n"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<section id="{name}">\n<h3><code>{name}</code></h3>\n'
    yield from _paragraphs(schema.get("description", ""))
    required = schema.get("required", ())
    rows = [
        (f"<code>{escape(field)}</code>" + ("" if field in required else "?"), _type(one))
        for field, one in schema.get("properties", {}).items()
    ]
    yield from _table(("field", "as"), rows)
    yield "</section>\n"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Cells are HTML."""
    if not rows:
        return
    yield "<table>\n<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>\n"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n"
    yield "</table>\n"


def _content(told: dict[str, Any]) -> str:
    content = told.get("content", {})
    return " or ".join(
        _type(one["schema"]) if kind == "application/json" else escape(kind) for kind, one in content.items()
    )


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words, as HTML."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    bounds = [
        f"{word} {schema[name]}"
        for name, word in (("minLength", "from"), ("minimum", "from"), ("maxLength", "to"), ("maximum", "to"))
        if name in schema
    ]
    return escape(f"{kind} ({' '.join(bounds)})" if bounds else kind)


def _paragraphs(text: str) -> Iterator[str]:
    """Plain text with words in `backquotes`."""
    for paragraph in filter(None, text.split("\n\n")):
        parts = escape(paragraph.strip()).split("`")
        yield (
            "<p>"
            + "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
            + "</p>\n"
        )
