"""chatroom.v1: bytes to requests, events and replies to bytes."""

import json
import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.domain import commands, errors
from chatroom.domain.commands import AnyCommand
from chatroom.domain.events import Event, Passing
from chatroom.domain.model import MAX_SEQ, Room, User
from chatroom.domain.replies import AnyReply, Error, Joined, Posted
from chatroom.wire.json import Malformed, decode, encode, refusal

from .json_values import objects, scalars

CODES = {
    error.code
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.ChatError) and error is not errors.ChatError
}

raw = objects.map(msgspec.json.encode).map(msgspec.Raw)


def values_of(kind: object) -> st.SearchStrategy:
    """Any value of a type of the protocol."""
    return st.builds(
        kind,
        **{field.name: of(msgspec.inspect.type_info(field.type)) for field in msgspec.structs.fields(kind)},
    )


def of(info: msgspec.inspect.Type) -> st.SearchStrategy:
    """Any value that fits a field."""
    match info:
        case msgspec.inspect.Metadata():
            return of(info.type)
        case msgspec.inspect.UnionType():
            return st.one_of([of(one) for one in info.types])
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.IntType():
            least = -(2**53) if info.ge is None else info.ge
            return st.integers(least, 2**53 if info.le is None else info.le)
        case msgspec.inspect.FloatType():
            return st.floats(info.ge, info.le, allow_nan=False, allow_infinity=False)
        case msgspec.inspect.StrType():
            text = st.text(min_size=info.min_length or 0, max_size=info.max_length or 200)
            return text if info.pattern is None else text.filter(re.compile(info.pattern).search)
        case msgspec.inspect.LiteralType():
            return st.sampled_from(info.values)
        case msgspec.inspect.VarTupleType():
            return st.lists(of(info.item_type), max_size=3).map(tuple)
        case msgspec.inspect.ListType():
            return st.lists(of(info.item_type), max_size=3)
        case msgspec.inspect.DictType():
            return (
                objects if info.value_type == msgspec.inspect.AnyType() else st.just({"text_length": 8000.0})
            )
        case msgspec.inspect.RawType():
            return raw
        case msgspec.inspect.StructType():
            return values_of(info.cls)
    raise AssertionError(f"a type that this test does not know: {info}")


any_event = st.one_of([values_of(kind) for kind in (*Event.__args__, *Passing.__args__)])
any_reply = st.one_of([values_of(kind) for kind in AnyReply.__args__])
any_command = st.one_of([values_of(kind) for kind in AnyCommand.__args__])


@given(any_event)
def test_an_event_is_read_as_what_it_was(event):
    assert msgspec.json.decode(encode(event), type=type(event)) == event


@given(any_reply)
def test_a_reply_is_read_as_what_it_was(reply):
    assert msgspec.json.decode(encode(reply), type=type(reply)) == reply


@given(any_event | any_reply)
def test_what_is_sent_is_one_json_object_with_a_type_as_others_read_json(message):
    sent = json.loads(encode(message).decode(), parse_constant=pytest.fail)
    assert sent["type"] == message.__struct_config__.tag


@given(any_command)
def test_a_request_is_read_as_what_it_was(command):
    assert decode(msgspec.json.encode(command)) == command


@given(any_command, st.dictionaries(st.text(min_size=20), scalars, max_size=3))
def test_a_field_that_is_not_known_is_ignored(command, more):
    assert decode(msgspec.json.encode(msgspec.to_builtins(command) | more)) == command


def refused(payload: bytes) -> Error:
    """The answer to what is no request; it must be one that can be sent."""
    with pytest.raises(Malformed) as malformed:
        decode(payload)
    reply = malformed.value.reply
    assert reply.code in CODES
    assert json.loads(encode(reply))["type"] == "error"
    return reply


def taken_or_refused(payload: bytes) -> None:
    try:
        command = decode(payload)
    except Malformed:
        refused(payload)
    else:
        assert isinstance(command, AnyCommand)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_are_refused(payload):
    taken_or_refused(payload)


@given(
    st.sampled_from([kind.__struct_config__.tag for kind in AnyCommand.__args__] + ["nope", 5, None]),
    st.dictionaries(
        st.sampled_from(
            ["id", "room", "text", "seq", "key", "data", "since", "limit", "on", "name", "token"]
        ),
        scalars | objects,
    ),
)
def test_any_object_is_a_request_or_is_refused(kind, fields):
    taken_or_refused(json.dumps({"type": kind} | fields).encode())


@given(
    st.lists(
        st.sampled_from(
            [
                b"{",
                b"}",
                b"[",
                b"]",
                b":",
                b",",
                b'"',
                b'"type"',
                b'"id"',
                b'"ping"',
                b'"post"',
                b'"data"',
                b'"x"',
                b"0",
                b"-",
                b"9" * 30,
                b"1e400",
                b"NaN",
                b"Infinity",
                b"null",
                b"true",
                b"\\ud800",
                b"\xff",
                b" ",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
@example(b'{"type":"nope","id":"\xff"}')
@example(b'{"type":5,"id":"\xff"}')
@example(b'{"type":"ping","id":[],"type":"\xff"}')
def test_anything_like_json_is_a_request_or_is_refused(payload):
    taken_or_refused(payload)


def test_a_cut_off_request_is_refused():
    whole = b'{"type":"post","id":7,"room":"lobby","text":"h\xc3\xa9","data":{"a":[1,{"b":null}]}}'
    assert isinstance(decode(whole), commands.Post)
    for size in range(len(whole)):
        assert refused(whole[:size]).code in ("bad_json", "bad_request")


POST = b'{"type":"post","room":"lobby","text":"x","data":{"n":%s}}'


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"01",
        b"1.",
        b"+1",
        b"'x'",
        b'"\x00"',
        b"[1,]",
        b"[" * 100_000,
        b'{"x":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_is_not_json_is_bad_json(value):
    assert refused(POST % value).code == "bad_json"


@pytest.mark.parametrize("value", [b"1e400", b"-1e400", b"9" * 5_000])
def test_a_number_past_all_reason_is_a_bad_request(value):
    assert refused(POST % value).code == "bad_request"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"9" * 40, int("9" * 40)),
        (b"18446744073709551616", 2**64),
        (b"-9223372036854775809", -(2**63) - 1),
        (b"1e-400", 0.0),
        (b"-0.0", -0.0),
        (b"1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_a_number_that_is_only_large_or_small_is_kept(value, number):
    command = decode(POST % value)
    assert command.data == {"n": number}
    assert type(command.data["n"]) is type(number)
    assert str(command.data["n"]) == str(number)


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b"null",
        b"1",
        b'"ping"',
        b"{}",
        b'{"type":5}',
        b'{"type":null}',
        b'{"type":["ping"]}',
        b'{"id":1}',
        b'{"type":"join"}',
        b'{"type":"join","room":5}',
        b'{"type":"edit","room":"a","seq":-1,"text":"x"}',
        b'{"type":"history","room":"a","limit":501}',
        b'{"type":"history","room":"a","limit":0}',
        b'{"type":"post","room":"a","text":"x","data":[]}',
        b'{"type":"post","room":"a","text":"x","key":""}',
        b'{"type":"ping","id":1.5}',
        b'{"type":"ping","id":{}}',
        b'{"type":"ping","type":"join"}',
    ],
)
def test_json_of_another_shape_is_a_bad_request(payload):
    assert refused(payload).code == "bad_request"


def test_a_type_that_is_not_known_is_told_those_that_are():
    reply = refused(b'{"type":"nope","id":"a"}')
    assert (reply.code, reply.id) == ("unknown_type", "a")
    assert "history" in reply.message


@given(st.text(max_size=64) | st.integers(-MAX_SEQ, MAX_SEQ))
def test_a_refusal_carries_the_requests_id(number):
    assert refused(json.dumps({"type": "join", "id": number}).encode()).id == number


@pytest.mark.parametrize("number", [b"1e400", b"9" * 30, b"1.5", b"[]", b'"' + b"x" * 65 + b'"'])
def test_an_id_that_is_none_is_not_carried_back(number):
    assert refused(b'{"type":"join","id":%s}' % number).id is None


def test_of_a_key_that_comes_twice_the_last_counts():
    assert decode(b'{"type":"join","room":"a","room":"b"}').room == "b"


def test_a_refusal_says_what_the_error_says():
    assert refusal(errors.Unavailable("not now", 2.5), 7) == Error(
        id=7, code="unavailable", message="not now", retry_after=2.5
    )


def test_optional_fields_that_are_not_there_are_not_sent():
    assert json.loads(encode(Posted(room="lobby"))) == {"type": "ok", "room": "lobby"}


def test_events_encoded_before_are_sent_as_they_are():
    room = {
        "name": "lobby",
        "title": "lobby",
        "kind": "public",
        "head": 1,
        "count": 0,
        "topic": "",
        "slow": 0.0,
    }
    joined = Joined(
        room=msgspec.convert(room, Joined.__annotations__["room"]),
        members=[],
        events=[msgspec.Raw(b'{"type":"message","seq":1}')],
        recovered=True,
        more=False,
    )
    assert json.loads(encode(joined))["events"] == [{"type": "message", "seq": 1}]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 70)), max_size=20))
def test_what_is_encoded_once_for_many_is_the_same_for_each(steps):
    """The members of a large room, in any order of rooms, however they change."""
    rooms: dict[int, tuple[User, ...]] = {}
    for number, size in steps:
        if len(rooms.setdefault(number, ())) != size:
            rooms[number] = tuple(User(f"{number}-{place}", f"é{place}") for place in range(size))
        joined = Joined(
            id=7, room=Room("hall", "Hall"), members=rooms[number], events=[], recovered=True, more=False
        )
        assert encode(joined) == msgspec.json.encode(joined)
