"""What docs/webhooks.md shows verifies what this server signs, and it names what there is."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from chatroom.administration import webhooks as administration
from chatroom.domain.events import Message
from chatroom.domain.model import By
from chatroom.domain.webhooks import CHOICES
from chatroom.lanes import payload
from chatroom.postman import AT_ONCE, IN_ALL
from chatroom.signatures import new_secret, signed
from chatroom.wire import json as wire

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()
SECRET = new_secret()
BODY = '{"text": "hellö"}'.encode()


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def in_python(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What the page's Python says."""
    names: dict[str, Any] = {}
    exec(examples("python")[0], names)
    return bool(names["verified"](secret, headers, body))


def in_php(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What the page's PHP says."""
    if shutil.which("php") is None:
        pytest.skip("php is not installed here: tools/system-packages test installs it")
    code = examples("php")[0] + (
        "$given = json_decode(stream_get_contents(STDIN), true);"
        'echo verified($given["secret"], $given["headers"], base64_decode($given["body"])) ? "yes" : "no";'
    )
    given = {"secret": secret, "headers": headers, "body": base64.b64encode(body).decode()}
    done = subprocess.run(
        ["php", "-d", "display_errors=stderr", "-r", code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout in ("yes", "no")
    return done.stdout == "yes"


@pytest.mark.parametrize("verified", [in_python, in_php])
def test_what_is_shown_verifies_what_is_sent_and_nothing_else(verified):
    now = int(time.time())
    good = signed(SECRET, "msg_1", now, BODY)
    assert verified(SECRET, good, BODY)
    assert verified(SECRET, good | {"webhook-signature": "v1,AAAA " + good["webhook-signature"]}, BODY)
    assert not verified(SECRET, good, BODY + b" ")
    assert not verified(new_secret(), good, BODY)
    assert not verified(SECRET, good | {"webhook-id": "msg_2"}, BODY)
    assert not verified(SECRET, good | {"webhook-signature": "v1,"}, BODY)
    assert not verified(SECRET, signed(SECRET, "msg_1", now - 600, BODY), BODY)


def test_what_is_sent_looks_as_it_is_shown():
    (shown,) = examples("http")
    head, _, body = shown.partition("\n\n")
    by = By("u5f2…", "Ana")
    event = Message(room="lobby", seq=42, at=1795357475146, by=by, text="hello")
    assert json.loads(payload("message", event.at, wire.encode(event))) == json.loads(body)
    headers = {line.partition(":")[0] for line in head.splitlines()[1:]}
    assert headers - {"Content-Type"} == set(signed(SECRET, "msg_1", 1, b""))


def test_every_event_that_can_be_chosen_is_told_of():
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    assert {word for row in rows for word in re.findall(r"`([a-z]+)`", row)} == set(CHOICES)


def test_the_commands_and_figures_are_those_there_are():
    for word in re.findall(r"chatroom webhook ([a-z]+)", PAGE):
        assert hasattr(administration, f"_{word}"), word
    assert (AT_ONCE, IN_ALL) == (8, 64)
