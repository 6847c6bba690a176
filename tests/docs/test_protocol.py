"""The protocol's documentation is what the code speaks."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from chatroom.domain.commands import AnyCommand
from chatroom.domain.events import Event, Passing
from chatroom.domain.limits import Limits
from chatroom.domain.replies import AnyReply

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/protocol.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
REPLIES = [reply for reply in AnyReply.__args__ if reply.__struct_config__.tag == "ok"]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("protocol_docs", CHECKOUT / "tools/protocol_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fits(example: dict[str, Any], one: type) -> bool:
    """Whether an example is one of that type, with all of its fields and no others."""
    try:
        msgspec.convert(example, one)
    except msgspec.ValidationError:
        return False
    known = {field.encode_name for field in msgspec.structs.fields(one)} | {"type"}
    return example.keys() <= known


def test_what_is_generated_is_what_is_committed(generator: ModuleType) -> None:
    for path, text in generator.written().items():
        assert path.read_text() == text, f"{path.name} is out of date: run `make docs`"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_message_of_the_protocol(example: str) -> None:
    message = json.loads(example)
    types = [*AnyCommand.__args__, *AnyReply.__args__, *Event.__args__, *Passing.__args__]
    assert any(fits(message, one) for one in types if one.__struct_config__.tag == message["type"])


def test_an_example_with_a_field_of_no_type_is_found_out() -> None:
    assert not any(fits({"type": "ok", "id": 1, "nonsense": 1}, reply) for reply in REPLIES)


def test_the_page_names_every_type_and_limit() -> None:
    tags = {one.__struct_config__.tag for one in [*AnyCommand.__args__, *Event.__args__, *Passing.__args__]}
    for word in [*tags, *Limits.__struct_fields__]:
        assert f"`{word}`" in PAGE


def test_the_asyncapi_document_refers_only_to_what_it_has() -> None:
    document = json.loads((CHECKOUT / "docs/asyncapi.json").read_text())
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found = document
        for step in reference.split("/"):
            found = found[step]


def test_every_request_type_is_in_the_asyncapi_document() -> None:
    document = json.loads((CHECKOUT / "docs/asyncapi.json").read_text())
    names = {message["name"] for message in document["components"]["messages"].values()}
    assert {command.__struct_config__.tag for command in AnyCommand.__args__} <= names


def test_the_limits_table_says_of_each_what_it_limits(generator: ModuleType) -> None:
    said = [row.split(" | ")[2].strip(" |") for row in generator.limit_table().splitlines()[2:]]
    assert len(set(said)) == len(Limits.__struct_fields__)
    assert said[-1] == "Rooms one connection may be in at once."
