"""Webhooks in: what other programs send to Slack is taken as well."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

import pytest

from chatroom.domain.limits import limited

from .programs import Office, Program, refusal


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def tool(office: Office) -> Program:
    """A program that knows a URL and nothing else."""
    return office.anybody()


@pytest.fixture
def hook(office: Office) -> str:
    return f"/hooks/{office.key('publish:alerts')}"


def said(office: Office) -> list[tuple[str, str]]:
    return [(event.by.name, event.text) for event in office.log("alerts")]


def test_a_text_is_published_in_the_keys_room(office: Office, tool: Program, hook: str) -> None:
    found = tool.ask("POST", hook, {"text": "disk full", "username": "Grafana", "icon_emoji": ":fire:"})
    assert (found.status, found.body) == (200, b"ok")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    tool.ask("POST", hook, {"text": "disk empty"})
    assert said(office) == [("Grafana", "disk full"), ("Bot 1", "disk empty")]


def test_a_form_has_the_same_in_its_payload(office: Office, tool: Program, hook: str) -> None:
    body = f"payload={quote_plus(json.dumps({'text': 'a & b'}))}".encode()
    found = tool.send("POST", hook, body, Content_Type="application/x-www-form-urlencoded")
    assert (found.status, said(office)) == (200, [("Bot 1", "a & b")])


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (
            {
                "text": "1 alert",
                "attachments": [
                    {
                        "title": "[FIRING] cpu",
                        "title_link": "https://grafana.example/a",
                        "text": "98 %",
                        "fields": [{"title": "host", "value": "db1"}, {"value": "hot"}],
                        "fallback": "cpu",
                    },
                    {"fallback": "only this"},
                ],
            },
            "1 alert\n[FIRING] cpu (https://grafana.example/a)\n98 %\nhost: db1\nhot\nonly this",
        ),
        (
            {"text": "see <https://a.example/x?y=1&amp;z|the build>"},
            "see the build (https://a.example/x?y=1&z)",
        ),
        ({"text": "<https://a.example>"}, "https://a.example"),
        ({"text": "<!here> 1 &lt; 2 &amp;&amp; 3"}, "@here 1 < 2 && 3"),
    ],
)
def test_what_slack_would_show_is_shown(
    office: Office, tool: Program, hook: str, payload: dict[str, Any], text: str
) -> None:
    assert tool.ask("POST", hook, payload).status == 200
    assert said(office) == [("Bot 1", text)]


@pytest.mark.parametrize("name", ["Ana", "\u202e", "\ud800", " "])
def test_an_alert_comes_also_where_its_name_cannot_be(
    office: Office, tool: Program, hook: str, name: str
) -> None:
    office.account("Ana")
    found = tool.send("POST", hook, json.dumps({"text": "x", "username": name}).encode())
    if name != "\ud800":
        assert (found.status, said(office)) == (200, [("Bot 1", "x")])
    else:
        assert found.status == 400


def test_a_long_text_is_cut() -> None:
    office = Office(limited(["text_length=10"], unmetered=True))
    office.anybody().ask("POST", f"/hooks/{office.key('publish:alerts')}", {"text": "x" * 11})
    assert said(office) == [("Bot 1", "x" * 9 + "…")]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 400),
        (b'{"text": " "}', "application/json", 400),
        (b'{"text": 1}', "application/json", 400),
        (b"{", "application/json", 400),
        (b"text=x", "application/x-www-form-urlencoded", 400),
        (b"payload={", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"x=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b'{"text": "' + b"x" * 70_000 + b'"}', "application/json", 413),
        (b"hello", "text/plain", 415),
    ],
)
def test_what_is_no_message_is_refused(
    office: Office, tool: Program, hook: str, body: bytes, kind: str, status: int
) -> None:
    assert refusal(tool.send("POST", hook, body, Content_Type=kind))[0] == status
    assert said(office) == []


def test_only_keys_of_one_room_are_webhooks(office: Office, tool: Program) -> None:
    for scopes in (("publish:*",), ("read:alerts",), ("publish:a", "publish:b"), ()):
        assert tool.wrong("POST", f"/hooks/{office.key(*scopes)}", {"text": "x"}) == (403, "forbidden")
    login = office.account("Ana")
    assert tool.wrong("POST", f"/hooks/{login}", {"text": "x"}) == (403, "forbidden")
    assert tool.wrong("POST", "/hooks/ck_x", {"text": "x"}) == (401, "bad_token")
    assert tool.ask("POST", "/hooks/", {"text": "x"}).status == 404


def test_a_browser_that_looks_there_sees_nothing(office: Office, tool: Program, hook: str) -> None:
    assert tool.wrong("GET", hook) == (405, "unsupported")
    assert office.log("alerts") == []


def test_a_message_sent_again_with_its_key_is_one(office: Office, tool: Program, hook: str) -> None:
    for _ in range(2):
        assert tool.ask("POST", hook, {"text": "x"}, Idempotency_Key="a").status == 200
    assert said(office) == [("Bot 1", "x")]
