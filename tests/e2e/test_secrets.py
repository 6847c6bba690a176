"""What is secret, and where it is not: in the log, in the database, in files that others can read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from .clients import JsonClient, PlainClient, raw
from .conftest import Start, servers
from .server import Server
from .test_accounts import PASSWORD, Browser, invitation_of, owner
from .test_administration import given

SITE_SECRET = "0123456789abcdef" * 4
WORDS = {
    "a post": "the vault is behind the mirror",
    "an edit": "it was moved behind the stove",
    "a direct message": "nobody knows of the two of us",
    "a deleted post": "this was never said by anybody",
    "a purged post": "buy my watches, they are gold",
    "a plain post": "the plain dialect has secrets too",
    "data": "what only a program reads",
    "a deleted post's data": "what no program reads any more",
    "a wrong password": "wrong horse battery",
    "a new password": "another horse battery",
}


def live(server: Server) -> dict[str, str]:
    """A day of people who use everything that is secret; what was, beside WORDS."""
    olga, ana, eve = owner(server), Browser(server), Browser(server)
    first = invitation_of(server)
    link = olga.ask("POST", "/account/invitations", {"uses": 2}).told["link"].partition("#invite=")[2]
    assert [one.sign_up(name, link).status for one, name in ((ana, "Ana"), (eve, "Eve"))] == [201, 201]
    key = given(server, "key", "add", "sensor", "--can=publish:lobby")
    token = jwt.encode({"sub": "sue", "exp": time.time() + 900}, SITE_SECRET, "HS256")
    secrets = {"a key": key, "an invitation": link, "a site's token": token, "its key": SITE_SECRET}
    secrets |= {f"a cookie of {n}": one.cookie.partition("=")[2] for n, one in enumerate((olga, ana, eve))}
    with ana.talk() as one, olga.talk() as two, JsonClient(server.ws) as guest:
        secrets["a guest's token"] = guest.hello(name="Gil")["token"]
        for member in (one, two, guest):
            member.join()
        talk(one, two, guest)
    for shown in (key, token, secrets["a cookie of 1"], link, first):
        with JsonClient(server.ws) as again:
            again.hello(token=shown)
    assert Browser(server).sign_up("Thief", first).status == 401
    guess(server, secrets["a cookie of 1"])
    with JsonClient(server.ws) as client:
        secrets["a login's token"] = client.ask("login", name="Ana", password=PASSWORD)["token"]
    new = {"old": PASSWORD, "new": WORDS["a new password"]}
    assert eve.ask("POST", "/account/password", new).status == 204
    assert eve.ask("POST", "/account/delete", {"password": new["new"]}).status == 204
    assert ana.ask("POST", "/account/logout", {}).status == 204
    given(server, "key", "revoke", "sensor")
    return {**WORDS, **secrets, "a password": PASSWORD}


def talk(ana: JsonClient, olga: JsonClient, guest: JsonClient) -> None:
    """Things are said, changed and taken back."""
    first = ana.post(WORDS["a post"], data={"a": WORDS["data"]})
    assert ana.ask("edit", room="lobby", seq=first, text=WORDS["an edit"])["type"] == "ok"
    assert ana.ask("post", to="Olga", text=WORDS["a direct message"])["type"] == "ok"
    second = ana.post(WORDS["a deleted post"], data={"a": WORDS["a deleted post's data"]})
    assert ana.ask("delete", room="lobby", seq=second)["type"] == "ok"
    guest.post(WORDS["a purged post"])
    assert olga.ask("purge", user="Gil")["count"] == 1
    assert olga.ask("room.kick", room="lobby", user="Gil")["type"] == "ok"


def guess(server: Server, token: str) -> None:
    """What goes wrong, with secrets in it."""
    with JsonClient(server.ws) as client:
        client.ask("login", name="Ana", password=WORDS["a wrong password"])
        client.send('{"type": "login", "name": "Ana", "password": "' + PASSWORD)
        client.send('{"type": "login", "name": 5, "password": "' + PASSWORD + '"}')
        assert client.ask("ping")["code"] == "hello_first"
    with JsonClient(server.ws, "Lia") as lia, PlainClient(f"{server.ws}?name=Pia") as pia:
        lia.join()
        pia.send(WORDS["a plain post"])
        assert lia.event()["text"] == WORDS["a plain post"]
    stranger = Browser(server)
    wrong = {"name": "Ana", "password": WORDS["a wrong password"]}
    assert stranger.ask("POST", "/account/login", wrong).status == 401
    assert stranger.ask("POST", "/account/login", {**wrong, "name": [PASSWORD]}).status == 400
    assert stranger.ask("POST", "/account/login", wrong, Origin="https://foe.example").status == 403
    with pytest.raises(InvalidStatus):
        JsonClient(
            server.ws, origin="https://foe.example", additional_headers={"Cookie": f"chatroom={token}"}
        )
    shown = f"Cookie: chatroom={token}\r\nAuthorization: Bearer {token}\r\n"
    for asked in (f"GET /{token}?password={PASSWORD}", "POST /account/nowhere", "GET /\0", "NONSENSE /"):
        with raw(server.url) as connection:
            connection.sendall(f"{asked} HTTP/1.1\r\nHost: x\r\n{shown}Connection: close\r\n\r\n".encode())
            while connection.recv(65536):
                pass


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server that has stopped after such a day, and what was secret."""
    for start in servers(tmp_path_factory.mktemp("secrets")):
        server = start("--no-limits", "--jwt-key=site.secret", files={"site.secret": SITE_SECRET})
        secrets = live(server)
        server.stop()
        yield server, secrets


def held(secrets: dict[str, str], content: bytes | str) -> list[str]:
    """Which of the secrets stand there."""
    if isinstance(content, str):
        content = content.encode()
    return [what for what, secret in secrets.items() if secret.encode() in content]


def test_no_secret_is_in_the_log_and_none_that_lets_in_or_was_taken_back_is_on_disk(
    lived: tuple[Server, dict[str, str]],
) -> None:
    server, secrets = lived
    assert held(secrets, server.log) == []
    assert "refused a page of https://foe.example" in server.log, "it is written to at all"
    files = {path.name: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}
    assert "chatroom.sqlite3" in files
    on_disk = held(secrets, b"".join(files.values()))
    assert on_disk == ["an edit", "a direct message", "a plain post", "data"]


def test_nothing_in_a_stolen_database_lets_anybody_in(lived: tuple[Server, dict[str, str]]) -> None:
    server, _secrets = lived
    server.start()
    found = cells(server.data / "chatroom.sqlite3")
    assert any(one.startswith("$argon2id$") for one in found)
    with JsonClient(server.ws) as thief:
        for one in found:
            for shown in (one, f"cs_{one[:43]:A<43}", f"ck_{one[:43]:A<43}"):
                assert thief.ask("hello", token=shown)["code"] == "bad_token"
        (digest,) = (one for one in found if one.startswith("$argon2id$") and one in kept_for(server, "Ana"))
        assert thief.ask("login", name="Ana", password=digest)["code"] == "bad_token"
    server.stop()


def cells(database: Path) -> list[str]:
    """Every text in a database, once."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = [row for name in names for row in connection.execute(f'SELECT * FROM "{name}"')]
    return sorted({str(cell) for row in rows for cell in row if cell not in (None, "")})


def kept_for(server: Server, name: str) -> list[str]:
    """What is kept of an account."""
    with sqlite3.connect(f"file:{server.data / 'chatroom.sqlite3'}?mode=ro", uri=True) as connection:
        return [
            str(cell) for row in connection.execute("SELECT * FROM account") for cell in row if name in row
        ]


def test_every_file_is_its_owners_whatever_the_umask(server: Start) -> None:
    one = server(through=("sh", "-c", 'umask 0; exec "$@"', "sh"))
    with JsonClient(one.ws, "Ana") as ana:
        ana.post("so that there is something")
        modes = {path.name: path.stat().st_mode & 0o777 for path in one.data.rglob("*")}
    assert one.data.stat().st_mode & 0o777 == 0o700
    assert {"chatroom.sqlite3", "chatroom.sqlite3-wal", "lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}
