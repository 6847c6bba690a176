"""The HTTP API does as its description says: schemathesis makes requests of it, right and wrong."""

from __future__ import annotations

import json
import re

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.transport import Response

from chatroom.doors.openapi import STREAM, document
from chatroom.doors.operations import API

from ..core.house import PASSWORD
from .programs import Office, Program

EVERYTHING = ("publish:*", "read:*", "direct:*", "manage:rooms", "manage:users", "manage:webhooks")
BASE = "http://chat.example/api/v1"

load_all_checks()
EXCLUDED = CHECKS.get_by_names(
    [
        # These send requests of their own, or without the key that all here are given.
        "ignored_auth",
        "missing_required_header",
        # Names have rules, and fields exclude each other, as no schema says.
        "positive_data_acceptance",
    ]
)

schema = schemathesis.openapi.from_dict(document()).exclude(path=STREAM)
schema.config.base_url = BASE


@pytest.fixture(scope="module")
def program() -> Program:
    office = Office()
    program = office.program(*EVERYTHING)
    program.publish("hello")
    office.account("Ana", password=PASSWORD)
    return program


def sent(program: Program, case: schemathesis.Case) -> Response:
    """What schemathesis would have sent with requests, sent in memory."""
    asked = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    fields = {name: str(value) for name, value in asked.headers.items()}
    fields |= {"Host": "chat.example"}
    body = asked.body or b""
    payload = body.encode() if isinstance(body, str) else body
    if payload or asked.method not in ("GET", "HEAD"):
        fields["Content-Length"] = str(len(payload))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    raw = f"{asked.method} {asked.path_url} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace") + payload
    caller = program.office.call(raw)
    found = caller.answer(asked.method or "GET")
    caller.vanish()
    headers = {name: [value] for name, value in found.headers.items()}
    return Response(found.status, headers, found.body, asked, elapsed=0.0, verify=False)


@schema.parametrize()
@settings(
    max_examples=15, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
def test_every_answer_is_as_described(case: schemathesis.Case, program: Program) -> None:
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {program.key}"}
    case.validate_response(sent(program, case), excluded_checks=EXCLUDED)


def test_every_operation_is_described_by_itself() -> None:
    described = [one for methods in document()["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in described}) == len(API.operations) + 1 == len(described)
    for one in described:
        assert one["summary"].endswith(".")
        assert {"400", "401", "403", "404", "429", "503"} <= set(one["responses"])


def test_the_description_needs_no_key(program: Program) -> None:
    anybody = program.office.anybody()
    found = anybody.ask("GET", "/openapi.json")
    assert json.loads(found.body) == json.loads(json.dumps(document()))
    again = anybody.ask("GET", "/openapi.json", If_None_Match=found.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_the_page_says_the_same_without_a_script(program: Program) -> None:
    for path in ("", "/"):
        found = program.office.anybody().ask("GET", path)
        assert found.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src" not in found.headers["content-security-policy"]
        assert "style-src 'self'" in found.headers["content-security-policy"]
        page = found.body.decode()
        assert "<script" not in page
        assert "style=" not in page
        for name in ["listen", *(one.name for one in API.operations)]:
            assert f'id="{name}"' in page
        # What it refers to is there.
        for name in re.findall(r'href="#(\w+)"', page):
            assert f'id="{name}"' in page
