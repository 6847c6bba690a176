"""Whatever a stranger asks, in whatever order: each request is answered with a code, nothing of others
is shown or harmed, nobody else is disturbed, and nothing is logged.

What is asked with the right shape and no ill will is tested command by command elsewhere; here are
names of others' rooms, others' ids, tokens that are none, and shapes that no program would make.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatroom import tokens
from chatroom.domain.commands import AnyCommand
from chatroom.domain.errors import CloseCode
from chatroom.domain.model import MAX_SEQ

from ..logs import Logs
from ..wire.json_values import objects, scalars
from .house import Talker
from .neighbours import PASSWORD, STRANGERS, Neighbours, put

FIELDS = {
    command.__struct_config__.tag: [field.encode_name for field in msgspec.structs.fields(command)]
    for command in AnyCommand.__args__
}
"""Every request, and what it takes."""

THINGS = ["<private>", "<direct>", "<ana>", "<olga>", "<session>", "<digest>", "<dressed digest>"]
THINGS += ["<expired>", "<elsewhere>", "<as ana>", "<unsigned>"]
NAMES = ["Ana", "Olga", "ANA", "\u0410n\u0430", "An\u200da", "\u202eanA", "Mallory", "a" * 5000]
ROOMS = ["lobby", "~plans", "~", "@", "@" + "0" * 24, "*", "~*", "\uff4cobby", "../lobby", "lobby\0", "x"]
ODD = ["", "\0", "\u202e", "\ufeff", "\u2028", "a" * 20_000, "' or 1=1 --", "{0}%s%n", "<script>", "🏴"]
NUMBERS = [0, 1, 2, -1, MAX_SEQ, MAX_SEQ + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, 0.5]
WORDS = ["owner", "moderator", "member", "guest", "private", "direct", "203.0.113.9", "0.0.0.0/0", PASSWORD]

values = st.one_of(
    st.sampled_from(THINGS),
    st.sampled_from([*NAMES, *ROOMS, *ODD, *WORDS]),
    st.sampled_from(NUMBERS),
    scalars,
)
TELLING: dict[str, st.SearchStrategy[Any]] = {
    "room": st.sampled_from(["<private>", "<direct>", "lobby", "x", *ROOMS]),
    "user": st.sampled_from(["<ana>", "<olga>", *NAMES]),
    "to": st.sampled_from(["<ana>", "<olga>", *NAMES]),
    "name": st.sampled_from(NAMES),
    "session": st.sampled_from(["<session>", "<digest>", ""]),
    "token": st.sampled_from(THINGS),
    "seq": st.integers(0, 4),
    "role": st.sampled_from(WORDS),
    "kind": st.sampled_from(WORDS),
    "text": st.sampled_from(["hello", *ODD]),
    "data": objects,
    "until": st.sampled_from(NUMBERS),
    "address": st.sampled_from(WORDS),
    "on": st.booleans(),
    "limit": st.integers(1, 500),
}
"""What a stranger would put into a field who knows what it is for."""


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request: one of ours, in which some fields are missing and some are nonsense."""
    kind = draw(st.sampled_from(sorted(FIELDS)))
    asked: dict[str, Any] = {"type": kind}
    for field in FIELDS[kind]:
        if field != "id" and draw(st.sampled_from([True, True, True, False])):
            asked[field] = draw(st.one_of(TELLING.get(field, values), TELLING.get(field, values), values))
    return asked


def everything_about(room: str, user: str) -> list[dict[str, Any]]:
    """Every request, with every field as it should be, about a room and somebody in it."""
    known = {"room": room, "user": user, "seq": 1, "text": "x", "on": True, "role": "owner", "report": 1}
    known |= {"title": "x", "slow": 9, "session": "<session>", "name": "Ana", "password": "x", "reason": "x"}
    known |= {"old": "x", "new": "x" * 9, "kind": "public"}
    about = [
        {"type": kind} | {field: known[field] for field in FIELDS[kind] if field in known}
        for kind in sorted(FIELDS, key=lambda kind: (kind == "logout", kind))
    ]
    to_one = {"type": "post", "to": user, "text": "x"}
    return [to_one, {"type": "purge", "user": user}, {"type": "ban", "address": "192.0.2.1"}, *about]


def dressed(asked: dict[str, Any], there: Neighbours) -> dict[str, Any]:
    """The request, with the things for which it has the words."""
    things = there.things
    return {
        field: things.get(value, value) if isinstance(value, str) else value for field, value in asked.items()
    }


@pytest.mark.parametrize("who", STRANGERS)
@given(asked=st.lists(requests(), max_size=12))
@example(asked=everything_about("lobby", "<ana>"))
@example(asked=everything_about("<private>", "<ana>"))
@example(asked=everything_about("<direct>", "<olga>"))
@example(asked=[{"type": "session.end"}, {"type": "password", "old": PASSWORD[1:], "new": "x" * 9}])
@example(asked=[{"type": "hello", "token": thing} for thing in THINGS])
@settings(max_examples=60)
def test_whatever_a_stranger_asks(who: str, asked: list[dict[str, Any]]) -> None:
    with Logs() as logs:
        there = Neighbours(who)
        for one in asked:
            answer = put(there.stranger, dressed(one, there))
            if answer is not None and answer["type"] == "error":
                assert answer["code"] != "internal"
                assert answer["message"]
        assert there.leaked() == []
        there.are_unharmed()
    assert logs.tracebacks() == []
    assert logs.events == []


TOKENS: dict[str, Any] = {
    "of another site": lambda there: there.site_token("f" * 64),
    "with the signature cut off": lambda there: there.site_token().rpartition(".")[0] + ".",
    "with another's claims": lambda there: _with_claims(there.site_token(), {"sub": "ana", "aud": "chat"}),
    "that has run out": lambda there: there.things["<expired>"],
    "for another server": lambda there: there.things["<elsewhere>"],
    "that nobody signed": lambda there: there.things["<unsigned>"],
    "a site's without an end": lambda there: there.site_token(exp=None),
    "a site's that is good only tomorrow": lambda there: there.site_token(
        nbf=there.house.clock.seconds() + 86400
    ),
    "a login's that was never made": lambda _there: tokens.make(tokens.LOGIN),
    "a key that was never made": lambda _there: tokens.make(tokens.KEY),
    "an invitation": lambda there: there.invitation(),
    "what is kept of a login": lambda there: there.things["<digest>"],
    "the same as a login's": lambda there: there.things["<dressed digest>"],
    "a login's name": lambda there: there.known,
    "the same as a login's, filled up": lambda there: f"cs_{there.known:A<43}",
    "somebody's id": lambda there: there.ana.id,
    "a login's with a line behind it": lambda there: there.tokens["Ana"] + "\n",
    "a login's in other letters": lambda there: there.tokens["Ana"].swapcase(),
    "longer than any": lambda _there: "a." * 30_000,
    "nothing": lambda _there: "",
    "a text": lambda _there: "' or 1=1 --",
}


@pytest.mark.parametrize("what", TOKENS)
def test_a_token_that_is_none_lets_nobody_in(what: str) -> None:
    with Logs() as logs:
        there = Neighbours("nobody")
        refused = put(there.stranger, {"type": "hello", "token": TOKENS[what](there)})
        assert refused is not None
        assert (refused["type"], refused["code"]) == ("error", "bad_token")
        # As a cookie it is none either: whoever shows it is a guest.
        visitor = Talker(there.house, cookie=TOKENS[what](there))
        welcome = visitor.ask("hello", name="Visitor")
        assert welcome["user"]["kind"] == "guest"
        there.are_unharmed()
    assert logs.events == []


def test_a_sites_token_is_somebody_of_that_site_whatever_it_says() -> None:
    there = Neighbours("nobody")
    welcome = put(there.stranger, {"type": "hello", "token": there.things["<as ana>"]})
    assert welcome is not None
    assert welcome["user"]["id"][0] == "s"
    assert welcome["user"]["name"] != "Ana"
    assert welcome["role"] == "member"
    for room in (there.private, there.direct):
        refused = put(there.stranger, {"type": "history", "room": room})
        assert refused is not None
        assert refused["code"] in ("forbidden", "not_found")
    there.are_unharmed()


def _with_claims(token: str, claims: dict[str, Any]) -> str:
    header, _claims, signature = token.split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{header}.{payload}.{signature}"


# Names.


@pytest.mark.parametrize(
    "name", ["Ana", "ana", " Ana ", "\u0410na", "An\u0430", "\uff21na", "An\u200da", "\u0391na", "Ana\ufe0f"]
)
def test_nobody_is_called_as_somebody_is_who_has_an_account(name: str) -> None:
    there = Neighbours("nobody")
    refused = put(there.stranger, {"type": "hello", "name": name})
    assert refused is not None
    assert refused["code"] == "name_taken", refused
    there.are_unharmed()


@pytest.mark.parametrize(
    "name",
    [
        "\u202eanA",
        "An\u0000a",
        "A\nna",
        "An\u200ba",
        "\ufeffAna",
        "\u2066Ana\u2069",
        "\u115f",
        "\u3164",
        "A" * 33,
    ],
)
def test_a_name_that_deceives_is_none(name: str) -> None:
    there = Neighbours("nobody")
    refused = put(there.stranger, {"type": "hello", "name": name})
    assert refused is not None
    assert refused["code"] == "bad_request", refused
    assert str(refused["message"]).isprintable()


# What is hardly a request.


HARDLY = {
    "nested without end": b"[" * 10_000_000,
    "nested, and closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nested in a request": b'{"type":"post","room":"lobby","text":"x","data":{"a":'
    + b"[" * 50_000
    + b"]" * 50_000
    + b"}}",
    "nested as an id": b'{"type":"ping","id":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a number without end": b'{"type":"audit","before":' + b"9" * 1_000_000 + b"}",
    "a number in data without end": b'{"type":"post","room":"lobby","text":"x","data":{"a":'
    + b"9" * 1_000_000
    + b"}}",
    "a power without end": b'{"type":"post","room":"lobby","text":"x","data":{"a":1e' + b"9" * 5_000 + b"}}",
    "half a character": b'{"type":"hello","name":"\\ud800"}',
    "the other half": b'{"type":"hello","name":"\\udfff\\ud800"}',
    "half a character, unescaped": b'{"type":"hello","name":"\xed\xa0\x80"}',
    "not UTF-8": b'{"type":"hello","name":"\xff\xfe"}',
    "overlong UTF-8": b'{"type":"hello","name":"\xc0\xaf"}',
    "a type without end": b'{"type":"' + b"x" * 1_000_000 + b'"}',
    "keys without end": b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
    "a key that Python knows": b'{"type":"hello","__class__":1,"__proto__":{"a":1}}',
    "nothing": b"",
    "zeros": b"\0" * 60_000,
}


@pytest.mark.parametrize("what", HARDLY)
@pytest.mark.parametrize("who", ["nobody", "member"])
def test_what_is_hardly_a_request_is_answered(who: str, what: str) -> None:
    with Logs() as logs:
        there = Neighbours(who)
        before = len(there.stranger.hear())
        there.stranger.send(HARDLY[what])
        there.house.settle()
        (answer,) = there.stranger.hear()[before:]
        if answer["type"] == "error":
            assert answer["code"] in ("bad_json", "bad_request", "unknown_type", "hello_first", "conflict")
            assert len(answer["message"]) < 1_000
        else:
            assert what == "a key that Python knows"
        there.are_unharmed()
    assert logs.events == []


@given(st.binary(max_size=200), st.booleans())
def test_a_plain_stranger_may_send_anything(payload: bytes, binary: bool) -> None:
    with Logs() as logs:
        there = Neighbours("nobody")
        plain = there.house.plain("Stranger", "lobby", 0)
        there.house.settle()
        plain.session.receive(payload if binary else payload.decode(errors="replace").encode(), binary)
        there.house.settle()
        assert plain.outlet.closed is None
        there.are_unharmed()
    assert logs.events == []


@pytest.mark.parametrize("which", ["private", "direct"])
def test_a_plain_stranger_is_in_no_room_of_others(which: str) -> None:
    there = Neighbours("nobody")
    plain = there.house.plain("Stranger", getattr(there, which), 0)
    there.house.settle()
    assert plain.outlet.closed is not None
    assert plain.outlet.closed[0] == CloseCode.FORBIDDEN
    assert plain.hear() == []
    there.are_unharmed()
