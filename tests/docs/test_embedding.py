"""What docs/embedding.md shows makes tokens that this server takes, and it names what there is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom import sitetokens
from chatroom.options import Options

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/embedding.md").read_text()
NAME = 'Ana "Zoë" 😀 O\'Hara'

DJANGO_BEFORE = """
import sys
import django
from django.conf import settings
settings.configure(
    ROOT_URLCONF=(),
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
)
django.setup()
"""
DJANGO_AFTER = """
from types import SimpleNamespace
from django.test import RequestFactory

for known in (True, False):
    request = RequestFactory().get("/chat-token")
    request.user = SimpleNamespace(is_authenticated=known, pk=42, get_username=lambda: sys.argv[1])
    answer = chat_token(request)
    print(answer.content.decode(), answer.status_code)
"""


def example(language: str) -> str:
    """The page's one example in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "chat.secret"
    subprocess.run(["openssl", "rand", "-hex", "-out", path, "32"], check=True)
    return path


@pytest.fixture
def taken(secret: Path) -> Any:
    """Who the server says that a token is for, so many seconds from now."""

    def check(token: str, after: float = 0) -> sitetokens.SiteUser:
        clock = Clock()
        clock.advance(time.time() + after)
        results: list[sitetokens.SiteUser] = []
        done = Deferred.fromCoroutine(sitetokens.site_tokens(clock, key=secret).check(token))
        done.addCallback(results.append)
        assert results, done.result
        return results[0]

    return check


def test_php_makes_a_token_without_any_library(tmp_path: Path, secret: Path, taken: Any) -> None:
    php = shutil.which("php")
    if php is None:
        reason = "php is not on the PATH: apt-get install php-cli"
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    code = example("php").replace("/etc/chat.secret", str(secret))
    script = tmp_path / "token.php"
    script.write_text(f"<?php\n{code}\necho chat_token($argv[1], $argv[2]);\n")
    run = subprocess.run([php, script, "42", NAME], capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    user = taken(run.stdout, after=500)
    assert (user.sub, user.name, user.role, user.rooms) == ("42", NAME, "member", None)


def test_django_makes_a_token(tmp_path: Path, secret: Path, taken: Any) -> None:
    code = example("python").replace("/etc/chat.secret", str(secret))
    script = tmp_path / "views.py"
    script.write_text(f"{DJANGO_BEFORE}\n{code}\n{DJANGO_AFTER}")
    command = [sys.executable, script, NAME]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    (token, status), (none, refused) = (line.rsplit(" ", 1) for line in run.stdout.splitlines())
    user = taken(token, after=500)
    assert (user.sub, user.name, user.role, user.rooms) == ("42", NAME, "member", None)
    # Who is not logged in is sent to where they can be.
    assert (status, none, refused) == ("200", "", "302")


def test_the_keys_that_the_page_makes_will_do(tmp_path: Path) -> None:
    commands = [line.strip() for line in PAGE.splitlines() if line.strip().startswith("openssl")]
    assert len(commands) == 3
    for command in commands:
        subprocess.run(command.replace("/etc/", ""), shell=True, cwd=tmp_path, check=True)
    assert sitetokens.from_file(tmp_path / "chat.secret").algorithm == "HS256"
    assert sitetokens.from_file(tmp_path / "chat.pub").algorithm == "EdDSA"


def test_the_page_names_the_claims_and_options_that_there_are() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", PAGE, re.MULTILINE)
    claims = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert claims == {field.name for field in fields(sitetokens._Claims)}
    known = {name for name, *_ in [*Options.optParameters, *Options.optFlags]} | {"origin"}
    assert set(re.findall(r"--([a-z]+(?:-[a-z]+)*)", PAGE)) <= known


def test_the_page_quotes_what_the_server_says() -> None:
    said = Path(sitetokens.__file__).read_text()
    quoted = re.findall(r"^\| (th[ei][^|]+) \|", PAGE, re.MULTILINE)
    assert len(quoted) == 5
    assert [sentence for sentence in quoted if sentence not in said] == []


def test_the_pages_script_is_one(tmp_path: Path) -> None:
    """Node reads it; a browser runs it in tests/browser."""
    node = shutil.which("node")
    if node is None:
        reason = "node is not on the PATH"
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    script = re.sub(r"</?script[^>]*>", "", example("html"))
    module = (CHECKOUT / "web/chatroom.js").as_uri()
    (tmp_path / "page.mjs").write_text(
        "globalThis.fetch = async () => ({ text: async () => 'a.b.c' });\n"
        "const sent = [];\n"
        "globalThis.WebSocket = class {\n"
        "  constructor(url) { setTimeout(() => this.onopen()); sent.push(url); }\n"
        "  send(text) { console.log(JSON.stringify([...sent, JSON.parse(text)])); process.exit(0); }\n"
        "  close() {}\n"
        "};\n"
        + script.replace("https://chat.example.org/chatroom.js", module).replace(
            "new Chatroom({", 'new Chatroom("wss://chat.example.org/ws", {'
        )
    )
    run = subprocess.run([node, tmp_path / "page.mjs"], capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [
        "wss://chat.example.org/ws",
        {"type": "hello", "token": "a.b.c", "client": "web"},
    ]
