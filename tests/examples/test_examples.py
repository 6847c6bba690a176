"""Every example does what its README says, against a real server."""

from __future__ import annotations

import json
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from ..e2e.clients import JsonClient
from .conftest import EXAMPLES, Place, lacking, needed

PHP = EXAMPLES / "php"
NASTY = 'a "quoted" \\ back\nslash\t<b>é 👋'


def texts(client: JsonClient, count: int) -> list[str]:
    """What is said in a room from now on."""
    return [client.event("message")["text"] for _ in range(count)]


@contextmanager
def running(command: list[str | Path], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program that goes on until it is ended."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def serving(command: list[str | Path], environment: dict[str, str], port: int) -> Iterator[None]:
    """A program that listens on a port."""
    with running(command, environment) as process:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                # The pause between two looks, and the proof that there is something to wait for.
                with suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"it ended with {process.wait(timeout=0.05)}")
        yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def php() -> str:
    found = needed("php", "php-cli")
    modules = subprocess.run([found, "-m"], capture_output=True, text=True, check=True).stdout
    if "curl" not in modules.split():
        lacking("php has no curl: apt-get install php-curl")
    return found


# PHP.

LOGIN = """<?php
session_start();
if (isset($_GET["as"])) $_SESSION["user"] = ["id" => 7, "name" => $_GET["as"]];
"""


def test_php_publishes(place: Place, php: str) -> None:
    with place.listener("php") as listener:
        assert place.run(php, PHP / "publish.php", "php", NASTY) == "1\n"
        assert texts(listener, 1) == [NASTY]


def test_php_is_told_what_it_may_not(place: Place, php: str) -> None:
    key = place.key("elsewhere", "publish:elsewhere")
    with pytest.raises(AssertionError, match="forbidden"):
        place.run(php, PHP / "publish.php", "php", "x", CHATROOM_KEY=key)


def test_php_publishes_all_it_has_to_say_after_the_page(place: Place, php: str) -> None:
    lines = [f"line {number}" for number in range(20)]
    with place.listener("many") as listener:
        said = place.run(php, PHP / "publish_many.php", "many", stdin="\n".join(lines) + "\n")
        assert said == "the page\n"
        assert sorted(texts(listener, 20)) == sorted(lines)


def test_a_php_page_lets_who_is_logged_in_into_the_chat(place: Place, php: str, tmp_path: Path) -> None:
    page = (PHP / "page_token.php").read_text()
    (tmp_path / "chat.php").write_text(page.replace("/etc/chat.secret", str(place.secret)))
    login = tmp_path / "login.php"
    login.write_text(LOGIN)
    port = free_port()
    url = f"http://127.0.0.1:{port}/chat.php"
    command = [php, "-d", f"auto_prepend_file={login}", "-S", f"127.0.0.1:{port}", "-t", tmp_path]
    with serving(command, place.environment, port):
        with pytest.raises(HTTPError, match="403"):
            urlopen(url, timeout=20)
        with urlopen(f"{url}?as=Zo%C3%AB", timeout=20) as answer:
            assert f'from "{place.server.url}/chatroom.js"' in answer.read().decode()
        with urlopen(f"{url}?as=Zo%C3%AB&token", timeout=20) as answer:
            token = answer.read().decode()
    with JsonClient(place.server.ws) as zoe:
        assert zoe.hello(token=token)["user"]["name"] == "Zoë"


def test_the_token_in_php_is_made_as_the_page_about_it_says() -> None:
    shown = (EXAMPLES.parent / "docs/embedding.md").read_text()
    (function,) = re.findall(r"```php\n(.*?)```", shown, re.DOTALL)
    assert function in (PHP / "page_token.php").read_text()


# Django.

SHOP = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", run_syncdb=True, verbosity=0)
client = Client(raise_request_exception=False)
for what in ("tea", "the moon", "a cup"):
    print(client.post("/orders", {"what": what}).status_code)
print(client.get("/chat").status_code)
client.force_login(User.objects.create_user("Zoe"))
print(client.get("/chat-token").content.decode())
print(client.get("/chat").content.decode())
"""


def test_django_tells_of_what_was_committed_and_shows_the_chat(place: Place, tmp_path: Path) -> None:
    script = tmp_path / "visit.py"
    script.write_text(SHOP)
    with place.listener("orders") as listener:
        said = place.run(
            sys.executable,
            script,
            PYTHONPATH=str(EXAMPLES / "django"),
            SHOP_DATABASE=str(tmp_path / "shop.sqlite3"),
            CHATROOM_SECRET=str(place.secret),
        )
        *statuses, refused, token = said.splitlines()[:5]
        assert statuses == ["201", "500", "201"]
        assert refused == "302"
        told = texts(listener, 2)
    # The number of the order that was rolled back is free again.
    assert told == ["Order 1: tea", "Order 2: a cup"]
    (shown,) = re.findall(r'application/json">"(.*?)"<', said)
    for one in (token, shown):
        with JsonClient(place.server.ws) as zoe:
            assert zoe.hello(token=one)["user"]["name"] == "Zoe"
    assert f'from "{place.server.url}/chatroom.js"' in said


def test_django_tells_nothing_twice_and_does_without_a_chat(place: Place, tmp_path: Path) -> None:
    script = tmp_path / "publish.py"
    script.write_text(
        "from django.conf import settings\n"
        "import os\n"
        "settings.configure(**{n: os.environ[n] for n in ('CHATROOM_URL', 'CHATROOM_KEY')})\n"
        "from shop.chat import publish\n"
        "publish('again', 'one', 'order-1')\n"
        "publish('again', 'one', 'order-1')\n"
        "settings.CHATROOM_URL = 'http://127.0.0.1:9'\n"
        "publish('again', 'two', 'order-2')\n"
        "print('and on')\n"
    )
    with place.listener("again") as listener:
        said = place.run(sys.executable, script, PYTHONPATH=str(EXAMPLES / "django"))
        assert said == "and on\n"
        assert texts(listener, 1) == ["one"]
        assert len(listener.ask("history", room="again")["events"]) == 1


# Node, and bash.


def test_node_publishes_and_listens(place: Place) -> None:
    node = needed("node", "nodejs")
    with running([node, EXAMPLES / "node/listen.mjs", "node"], place.environment) as listening:
        with place.listener("node") as listener:
            # It tells of what comes from now on, and nobody sees when that begins.
            heard = ""
            while not heard:
                place.run(node, EXAMPLES / "node/publish.mjs", "node", NASTY)
                assert texts(listener, 1) == [NASTY]
                heard = first_line(listening)
        assert heard == "examples: " + NASTY.split("\n")[0]


def test_bash_publishes_and_listens(place: Place) -> None:
    bash = needed("bash", "bash")
    with place.listener("bash") as listener:
        said = place.run(bash, EXAMPLES / "bash/publish.sh", "bash", NASTY)
        assert json.loads(said)["seq"] == 1
        assert texts(listener, 1) == [NASTY]
    place.run(bash, EXAMPLES / "bash/publish.sh", "bash", "two")
    with running([bash, EXAMPLES / "bash/listen.sh", "bash", "1"], place.environment) as listening:
        assert listening.stdout is not None
        event = json.loads(listening.stdout.readline())
        assert (event["type"], event["seq"], event["text"]) == ("message", 2, "two")


def first_line(process: subprocess.Popen[str]) -> str:
    """What it prints, if it does within a second."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 1)
    return process.stdout.readline().rstrip("\n") if ready else ""


# Grafana.


def test_grafanas_alert_is_in_the_room(place: Place) -> None:
    path = place.key("grafana", "publish:alerts", hook=True)
    body = (EXAMPLES / "grafana/alert.json").read_bytes()
    with place.listener("alerts") as listener:
        request = Request(place.server.url + path, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=20) as answer:
            assert answer.read() == b"ok"
        event = listener.event("message")
    assert event["by"]["name"] == "Grafana"
    assert "Disk is nearly full (db1)" in event["text"]
    assert "Value: 91 %" in event["text"]


def test_the_contact_point_is_one_for_slack() -> None:
    text = (EXAMPLES / "grafana/contact-point.yaml").read_text()
    assert "type: slack" in text
    assert "/hooks/" in text


# The echo bot.


def test_the_echo_bot_answers_and_takes_nothing_that_is_not_signed(place: Place, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    secret = tmp_path / "echo.secret"
    made = place.command("webhook", "add", url, "--room", "echo", "--event", "message", "--name", "echo")
    secret.write_text(made)
    command = [sys.executable, EXAMPLES / "echo_bot/echo_bot.py", str(port), secret]
    with serving(command, place.environment, port), place.listener("echo") as ana:
        ana.post("anybody there?", room="echo")
        events = [ana.event("message") for _ in range(2)]
        assert [(event["by"]["name"], event["text"]) for event in events] == [
            ("Listener echo", "anybody there?"),
            ("echo", "anybody there?"),
        ]
        headers = {"webhook-id": "msg_1", "webhook-timestamp": "1795334583", "webhook-signature": "v1,x"}
        for given in ({}, headers):
            with pytest.raises(HTTPError, match="401"):
                urlopen(Request(url, b"{}", given), timeout=20)


def test_the_folder_says_what_is_in_it() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    for entry in EXAMPLES.iterdir():
        if entry.name not in ("README.md", "__pycache__"):
            assert f"({entry.name})" in listed
