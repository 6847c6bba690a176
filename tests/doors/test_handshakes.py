"""The commonest handshakes are read as Autobahn reads them, and no others are."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatroom.domain.limits import Limits
from chatroom.doors import internals
from chatroom.doors.handshakes import common_handshake
from chatroom.doors.heads import Refused, read_head
from chatroom.doors.websocket import ChatProtocol

from .premises import Premises
from .rawframes import KEY, upgrade

LOGIN = "cs_" + "x" * 43
TARGETS = [
    *(
        "/",
        "/ws",
        "/echo",
        "/ws/",
        "//ws",
        "/ws//",
        "/./ws",
        "/ws;a",
        "/ws?",
        "/ws?room=hall&name=Pia",
        "/%77s",
    ),
    *("/ws?room=a%20b", "/ws?room=x&room=y", "/ws?since=3", "/ws?a#b", "/ws#", "ws", "*", "http://a/ws"),
    *(
        "/ws?//",
        "/ws?x=[",
        "/ws?name=%ff",
        "/ws?name=%E2%80%AE",
        "/ws?name=+&name=",
        "/ws??a=b",
        "/ws?a=b?",
        "/\\",
    ),
]
HOSTS = [
    *(
        "chat.example",
        "chat.example:9000",
        "127.0.0.1:1",
        "[::1]:9000",
        "[::1]",
        "chat.example:",
        "a:b",
        "a:99999",
    ),
    *("", "a b", "a_b:1", "a:+1", "a:1_0", "a, b", "[::1", "::1", "user@a", "a:-1", "A:080"),
]
ORIGINS = [
    *(
        "http://chat.example",
        "https://chat.example:9000",
        "http://foe.example",
        "null",
        "NULL",
        "file:///x",
        "",
    ),
    *(
        "http://",
        "http://a:65535",
        "http://a:65536",
        "http://a:99999",
        "http://a:x",
        "http://[::1]:9000",
        "http://[",
    ),
    *("HTTP://A", "ftp://a", "//a", "a", "http://a/path", "http://a b", "http://u@a", "http://a, http://b"),
]
OFFERS = [
    *(
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits",
    ),
    *("permessage-deflate; server_max_window_bits=9", 'permessage-deflate; server_max_window_bits="9"'),
    *(
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits",
        ",",
        ";",
        "=",
        "a",
    ),
    *("permessage-deflate; server_no_context_takeover; client_no_context_takeover", "x-webkit-deflate-frame"),
    *("permessage-deflate; nonsense", "permessage-deflate; client_max_window_bits=9, permessage-deflate", ""),
    *(
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "PerMessage-Deflate",
        "permessage-bzip2",
    ),
    *("permessage-deflate; server_no_context_takeover=1", "mux; max-channels=4, permessage-deflate"),
]
FIELDS: dict[str, list[str]] = {
    "Upgrade": [
        "websocket",
        "WebSocket",
        "h2c, websocket",
        "websocket, h2c",
        "websocketx",
        "x websocket",
        "h2c",
    ],
    "Connection": [
        *(
            "Upgrade",
            "upgrade",
            "keep-alive, Upgrade",
            "Upgrade,keep-alive",
            "keep-alive",
            "",
            "Upgrade x",
            ",",
        ),
    ],
    "Sec-WebSocket-Version": ["13", "013", "+13", "1_3", " 13 ", "8", "0", "12", "14", "13, 8", "x", ""],
    "Sec-WebSocket-Key": [
        *(
            KEY,
            KEY[:-1],
            KEY + "=",
            "A" * 24,
            "A" * 22 + "==",
            "A" * 22 + "=A",
            "A" * 21 + "-==",
            "A" * 21 + "\xe4==",
            "",
            f" {KEY} ",
        ),
    ],
    "Sec-WebSocket-Protocol": [
        *(
            "chatroom.v1",
            "chatroom.v1, mqtt",
            "mqtt,chatroom.v1",
            "mqtt",
            "a, a",
            "",
            ",",
            "Chatroom.V1",
            "a b",
        ),
    ],
    "Sec-WebSocket-Extensions": OFFERS,
    "Origin": ORIGINS,
    "Host": HOSTS,
    "Content-Length": ["0", "00", "5"],
    "X-Forwarded-For": ["192.0.2.9", "a, b"],
    "X-Forwarded-Proto": ["https", "http", "x"],
    "Cookie": ["a=b", "\xe4\xff\t~", f"chatroom={LOGIN}", f"__Host-chatroom={LOGIN}; a=\xe4"],
}
RIGHT = {
    "Host": "chat.example",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}
BLANKS = st.sampled_from(["", " ", "\t", "  "])
TEXTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f\x85"), max_size=12
)


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Handshakes that are right but for a few things, or altogether."""
    fields: list[tuple[str, str]] = list(RIGHT.items())
    for name in draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=4)):
        value = draw(st.one_of(st.sampled_from(FIELDS[name]), st.sampled_from(FIELDS[name]), TEXTS))
        how = draw(st.sampled_from(["instead", "instead", "instead", "more", "none"]))
        if how != "more":
            fields = [field for field in fields if field[0] != name]
        if how != "none":
            fields.append((name, value))
    fields = draw(st.permutations(fields))
    case = draw(st.sampled_from([str, str, str.lower, str.upper]))
    target = draw(st.one_of(*[st.sampled_from(TARGETS[:3])] * 3, st.sampled_from(TARGETS)))
    method = draw(st.sampled_from(["GET"] * 9 + ["POST"]))
    version = draw(st.sampled_from(["1.1"] * 9 + ["1.0"]))
    lines = [f"{case(name)}:{draw(BLANKS)}{value}{draw(BLANKS)}" for name, value in fields]
    return "\r\n".join([f"{method} {target} HTTP/{version}", *lines, "", ""]).encode("latin-1")


def outcome(head: bytes, *, common: bool, limits: Limits, origins: tuple[str, ...]) -> dict[str, Any]:
    """All that becomes of a handshake, with the reader of the commonest ones or with Autobahn's alone."""
    with pytest.MonkeyPatch.context() as patch:
        if not common:
            patch.setattr(internals, "common_handshake", lambda _head: None)
        premises = Premises(limits, *origins, echo=True, trusting=("192.0.2.1",))
        assert issubclass(premises.websocket.protocol, internals.QuickProtocol)
        premises.admission.arrive("192.0.2.9")
        caller = premises.call(head + b"\x81\x85\0\0\0\0hello")
        protocol = caller.protocol
        dialect = getattr(protocol, "dialect", None)
        return {
            # What is no upgrade, the web site answers with the time.
            "said": re.sub(rb"\r\nDate: [^\r]*", b"", caller.took()),
            "gone": caller.gone,
            "state": getattr(protocol, "state", None),
            "subprotocol": getattr(protocol, "websocket_protocol_in_use", None),
            "extensions": repr(list(getattr(protocol, "websocket_extensions_in_use", []))),
            "compression": repr(getattr(protocol, "_perMessageCompress", None)),
            "dialogue": type(getattr(protocol, "_dialogue", None)),
            "dialect": dialect,
            # A web connection has a method of that name.
            "address": getattr(protocol, "address", None) if isinstance(protocol, ChatProtocol) else None,
            "cookie": getattr(protocol, "_cookie", None),
            "connections": premises.admission.connections,
            "open": len(premises.websocket.open),
            "rooms": [(room.name, room.head) for room in premises.hub.rooms()],
            "warned": premises.websocket._warned,
        }


LIMITS = [Limits(), Limits(connections=1), Limits(connections_per_address=1), Limits(message_bytes=4)]
WITH_SUBPROTOCOL = upgrade(subprotocol="chatroom.v1", Origin="http://chat.example")


@settings(max_examples=300)
@given(heads(), st.sampled_from(LIMITS), st.sampled_from([(), ("null",), ("*",), ("http://*.example",)]))
@example(WITH_SUBPROTOCOL, LIMITS[0], ())
@example(upgrade("/ws?room=hall", Sec_WebSocket_Extensions=OFFERS[1]), LIMITS[0], ())
@example(upgrade("/ws?room=hall", Sec_WebSocket_Extensions=OFFERS[9]), LIMITS[0], ())
def test_with_or_without_our_reader_the_same_becomes_of_a_handshake(
    head: bytes, limits: Limits, origins: tuple[str, ...]
) -> None:
    ours = outcome(head, common=True, limits=limits, origins=origins)
    assert ours == outcome(head, common=False, limits=limits, origins=origins)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("how", ["instead", "more", "twice"])
def test_whatever_stands_in_one_field(name: str, how: str) -> None:
    for value in FIELDS[name]:
        fields = [(other, RIGHT[other]) for other in RIGHT if how == "more" or other != name]
        fields += [(name, value)] * (2 if how == "twice" else 1)
        lines = [f"{other}: {text}" for other, text in fields]
        head = "\r\n".join(["GET /ws HTTP/1.1", *lines, "", ""]).encode("latin-1")
        ours = outcome(head, common=True, limits=LIMITS[0], origins=())
        assert ours == outcome(head, common=False, limits=LIMITS[0], origins=()), value


@pytest.mark.parametrize("target", TARGETS)
def test_whatever_is_asked_for(target: str) -> None:
    head = upgrade(target)
    ours = outcome(head, common=True, limits=LIMITS[0], origins=())
    assert ours == outcome(head, common=False, limits=LIMITS[0], origins=())


BROWSERS = {
    "Firefox": {"Connection": "keep-alive, Upgrade", "Origin": "https://chat.example"},
    "Chromium": {
        "Origin": "http://localhost:9000",
        "Host": "localhost:9000",
        "User-Agent": "Mozilla/5.0 (X11) x",
    },
    "Safari": {"Origin": "https://chat.example:9443", "Cookie": "session=abc; other=\xe4"},
    "ws": {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
    "behind nginx": {"Connection": "upgrade", "X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7"},
    "behind Apache": {"Connection": "Upgrade", "X-Forwarded-Host": "chat.example, chat"},
    "on IPv6": {"Host": "[::1]:9000"},
}


@pytest.mark.parametrize("browser", BROWSERS)
@pytest.mark.parametrize("path", ["/", "/ws", "/ws?room=hall&name=Pia%20M"])
def test_what_browsers_and_proxies_send_is_common(browser: str, path: str) -> None:
    fields = {name.replace("-", "_"): value for name, value in BROWSERS[browser].items()}
    found = common_handshake(read_head(upgrade(path, "chatroom.v1", **fields)))
    assert found is not None
    assert found.key == KEY.encode()
    assert found.asked.path == path.partition("?")[0]
    assert found.asked.params == ({"room": ["hall"], "name": ["Pia M"]} if "?" in path else {})
    assert (found.asked.origin, found.asked.protocols) == (
        BROWSERS[browser].get("Origin", ""),
        ["chatroom.v1"],
    )
    assert found.asked.host == BROWSERS[browser].get("Host", "chat.example")
    assert found.extensions == BROWSERS[browser].get("Sec-WebSocket-Extensions", "")
    assert found.asked.cookie == BROWSERS[browser].get("Cookie")
    assert found.asked.forwarded_for == BROWSERS[browser].get("X-Forwarded-For")


@given(st.binary(min_size=16, max_size=16))
def test_any_key_will_do(key: bytes) -> None:
    encoded = base64.b64encode(key).decode()
    found = common_handshake(read_head(upgrade(Sec_WebSocket_Key=encoded)))
    assert found is not None
    assert found.key == encoded.encode()


@given(heads())
def test_what_is_common_is_as_the_standard_wants_it(head: bytes) -> None:
    """RFC 6455, section 4.2.1, said in another way than the reader says it."""
    try:
        read = read_head(head)
    except Refused:
        return
    if common_handshake(read) is None:
        return
    start, *lines = head.decode("latin-1").split("\r\n")[:-2]
    values: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        values.setdefault(name.lower(), []).append(value.strip(" \t"))
    assert start.startswith("GET /")
    assert start.endswith(" HTTP/1.1")
    assert "#" not in start
    assert [value.lower() for value in values["upgrade"]] == ["websocket"]
    (connection,) = values["connection"]
    assert "upgrade" in [option.strip().lower() for option in connection.split(",")]
    (key,) = values["sec-websocket-key"]
    assert len(base64.b64decode(key, validate=True)) == 16
    assert values["sec-websocket-version"] == ["13"]
    assert len(values["host"]) == 1
    for name in ("origin", "sec-websocket-protocol", "sec-websocket-extensions"):
        assert len(values.get(name, [])) <= 1
