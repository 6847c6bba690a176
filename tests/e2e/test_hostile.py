"""Whatever is sent to a real server, somebody who talks there notices nothing of it.

It has its database, its passwords and a site's key here, and its log is looked through for tracebacks
(`conftest.servers`). What strangers ask of the core in any order is in tests/core/test_hostile.py.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from chatroom.domain.commands import AnyCommand

from .clients import Client, Json, JsonClient, PlainClient
from .neighbourhood import VALUES, Neighbourhood, neighbourhoods

FIELDS = {
    command.__struct_config__.tag: [
        field.encode_name for field in msgspec.structs.fields(command) if field.name != "id"
    ]
    for command in AnyCommand.__args__
}
RIGHT: Json = {"room": "lobby", "text": "x", "seq": 1, "on": True, "user": "Victor", "role": "owner"}
RIGHT |= {"report": 1, "old": "x", "new": "x", "password": "x", "name": "Eve", "kind": "public"}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbourhood]:
    yield from neighbourhoods(tmp_path_factory.mktemp("hostile"))


def strange(kind: str) -> Iterator[Json]:
    """A request in which one field after the other is what it should not be."""
    right = {field: RIGHT[field] for field in FIELDS[kind] if field in RIGHT}
    for field, value in itertools.product(FIELDS[kind], VALUES):
        # Olga may put Ana out, by any name that looks like hers.
        if (field, value) not in (("user", "Ana"), ("user", "\u0410na")):
            yield {"type": kind, **right, field: value}


def answers(client: JsonClient, requests: Iterable[Json]) -> Iterator[Json]:
    """The answer to each, many being asked at once."""
    numbers = itertools.count(1_000_000)
    while batch := list(itertools.islice(requests, 50)):
        asked = [next(numbers) for _ in batch]
        for number, request in zip(asked, batch, strict=True):
            client.send(json.dumps({**request, "id": number}))
        yield from map(client.reply, asked)


# What hashes a password each time would take minutes.
KINDS = sorted({*FIELDS} - {"login", "password", "account.delete", "logout"})
RUNNING = [kind for kind in KINDS if "user" in FIELDS[kind] or kind in ("room.set", "report.close", "audit")]


@pytest.mark.parametrize(
    ("who", "kind"), [*(("Mallory", kind) for kind in KINDS), *(("Olga", kind) for kind in RUNNING)]
)
def test_every_request_is_answered_whatever_a_field_of_it_is(
    there: Neighbourhood, who: str, kind: str
) -> None:
    with JsonClient(there.server.ws) as client:
        assert client.hello(token=there.tokens[who])["user"]["name"] == who
        for answer in answers(client, strange(kind)):
            if answer["type"] == "error":
                assert answer["code"] != "internal"
                assert answer["message"]
    there.is_at_peace()


# WebSockets.


@pytest.mark.parametrize(("dialect", "binary"), [(JsonClient, False), (PlainClient, True)])
def test_ten_megabytes_of_brackets_end_the_connection(
    there: Neighbourhood, dialect: type[Client], binary: bool
) -> None:
    with dialect(there.server.ws) as client:
        try:
            client.send(b"[" * 10_000_000 if binary else "[" * 10_000_000)
        except ConnectionClosed:
            pass  # the server had enough before it had all
        assert client.end() == 1009
    there.is_at_peace()


def test_as_deep_as_a_message_is_long(there: Neighbourhood) -> None:
    limit = there.ana.me["limits"]["message_bytes"]
    with JsonClient(there.server.ws, "Eve") as eve:
        half = "[" * (limit // 2 - 50)
        deep = half + half.replace("[", "]")
        for text in ("[" * limit, deep, f'{{"type":"post","room":"x","text":"x","data":{{"a":{deep}}}}}'):
            eve.send(text)
        codes = [json.loads(eve.text())["code"] for _ in range(3)]
    assert set(codes) <= {"bad_json", "bad_request"}
    there.is_at_peace()
