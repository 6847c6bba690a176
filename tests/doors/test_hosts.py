"""By which names this server is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogLevel

from chatroom.doors.hosts import Hosts, name_in, url_of

from ..logs import Logs

ALWAYS = ["localhost", "localhost:9000", "LOCALHOST", "chat.localhost:9000", "127.0.0.1:9000", "192.0.2.1"]
ALWAYS += ["[::1]", "[::1]:9000", "[2001:db8::1]:443", "localhost.", ""]


@pytest.mark.parametrize("host", [*ALWAYS, "anything.example", "evil.example:9000", "_", "", "nonsense!"])
def test_without_names_any_host_is_served(host: str) -> None:
    assert Hosts().serves(host)


@pytest.mark.parametrize("host", ALWAYS)
def test_addresses_and_localhost_are_always_served_for_no_name_leads_there(host: str) -> None:
    assert Hosts(["chat.example.org"]).serves(host)


@pytest.mark.parametrize(
    ("named", "served", "refused"),
    [
        (
            "chat.example.org",
            ["chat.example.org", "Chat.Example.ORG:9000", "chat.example.org."],
            [
                "example.org",
                "a.chat.example.org",
                "chat.example.org.evil",
                "xchat.example.org",
                "chatxexample.org",
            ],
        ),
        ("Chat.Example.org.", ["chat.example.org"], ["example.org"]),
        (
            "*.example.org",
            ["a.example.org", "a.b.example.org:80"],
            ["example.org", ".example.org", "aexample.org", "a.example.org.evil"],
        ),
        ("chat", ["chat", "chat:9000"], ["chat.local"]),
        ("my_host", ["my_host"], ["my-host"]),
    ],
)
def test_those_that_are_named_are_served_and_no_others(
    named: str, served: list[str], refused: list[str]
) -> None:
    hosts = Hosts(["also.example", named])
    for host in [*served, "also.example"]:
        assert hosts.serves(host), host
    for host in [*refused, "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "::1"]:
        assert not hosts.serves(host), host


@pytest.mark.parametrize(
    "host",
    [
        *("chat.example@evil.example", "chat.example/evil", "chat.example evil.example", "chat.example:x"),
        *(
            "chat.example:123456",
            "chat.example,evil.example",
            "[chat.example]",
            "http://chat.example",
            "\x00",
        ),
        *("chat.example:80:80", "chät.example", "[::1", "[]", ":9000", "[1.2.3.4.5]"),
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    assert not Hosts(["chat.example"]).serves(host)


@pytest.mark.parametrize(
    "named",
    [
        "",
        "*",
        "*.",
        "a..b",
        "-a.example",
        "https://chat.example",
        "chat.example:9000",
        "chät.example",
        "a b",
        "*a.b",
        "a.*",
    ],
)
def test_what_is_no_name_is_refused_with_examples(named: str) -> None:
    with pytest.raises(ValueError, match=r"--host takes a name such as chat\.example\.org or ") as refused:
        Hosts([named])
    assert "\n" not in str(refused.value)


def test_the_operator_is_told_once_of_each_name_which_option_serves_it() -> None:
    hosts = Hosts(["chat.example"])
    with Logs() as logs:
        for host in ("Other.example:9000", "other.example", "third.example", "nonsense!\nline"):
            assert not hosts.serves(host)
            said = hosts.refusal(host)
            assert "\n" not in said
    assert [line.split(": ")[-1] for line in logs.of(LogLevel.warn)] == [
        "--host other.example would serve it",
        "--host third.example would serve it",
    ]
    assert hosts.refusal("other.example").endswith("start it with --host other.example")
    assert hosts.refusal("nonsense!\nline") == "This server is not called that."


def test_a_flood_of_names_does_not_fill_the_log() -> None:
    hosts = Hosts(["chat.example"])
    with Logs() as logs:
        for number in range(1000):
            hosts.refusal(f"x{number}.example")
    assert len(logs.of(LogLevel.warn)) == 100


def test_a_url_is_made_of_nothing_but_a_host() -> None:
    assert url_of("chat.example", True) == "https://chat.example"
    assert url_of("Chat.example:9000", None) == "http://Chat.example:9000"
    assert url_of("[::1]:9000", False) == "http://[::1]:9000"
    for bad in ("", "a b", "a;b", "a,b", "a/b", "a@b", "a'b", 'a"b', "a\r\nb", "ä"):
        assert url_of(bad, True) == ""
        assert name_in(bad) is None


@given(st.text(max_size=40))
def test_whatever_is_sent_there_is_an_answer(host: str) -> None:
    assert Hosts(["chat.example"]).serves(host) in (True, False)
    assert "\n" not in Hosts(["chat.example"]).refusal(host)
