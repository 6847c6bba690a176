"""https and wss from a PEM that `chatroom cert` made."""

from __future__ import annotations

import socket
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.exceptions import ConnectionClosed

from .clients import PATIENCE, JsonClient, PlainClient, code_of, get
from .conftest import Start, servers
from .server import ON_LOOPBACK, TLS, Server, run
from .test_behind_proxies import CLIENT, free_port, version_1, version_2


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, pem: Path):
    """A server that speaks TLS only."""
    for start in servers(tmp_path_factory.mktemp("tls")):
        yield start("--no-limits", files={"key.pem": pem.read_text()}, endpoints=(TLS,))


def test_the_page_and_the_chat_work_over_tls(secure: Server) -> None:
    assert secure.url.startswith("https:")
    assert b"<!doctype html>" in get(secure.url).body.lower()
    with JsonClient(secure.ws, "Ana") as ana, PlainClient(f"{secure.ws}?name=Ben") as ben:
        ana.join()
        ana.post("a secret")
        assert ana.event()["text"] == "a secret"
        assert ben.text() == "a secret"
        ben.send("x" * 60_000)
        refused = ben.text()
        assert str(refused).startswith("* a text has at most")


def test_a_long_history_arrives_whole_over_tls(secure: Server) -> None:
    text = "ü" * 8_000
    with JsonClient(secure.ws, "Ana") as ana:
        ana.join("long")
        numbers = [ana.begin("post", room="long", text=text) for _ in range(60)]
        assert [ana.reply(number)["seq"] for number in numbers] == list(range(1, 61))
    with JsonClient(secure.ws, "Ben") as ben:
        events = ben.missed(0, ben.me["epoch"], "long")
        assert [event["seq"] for event in events] == list(range(1, 61))
        assert {event["text"] for event in events} == {text}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_spoken(secure: Server, pem: Path, version: ssl.TLSVersion) -> None:
    # The certificate is checked here, as a browser would that has been told to trust it.
    with JsonClient(secure.ws.replace("127.0.0.1", "localhost"), "Eva", ssl=_trusting(pem, version)) as eva:
        eva.join("today")
        assert eva.post("hello", "today") > 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tickets", [True, False])
def test_who_comes_back_resumes_their_session(
    secure: Server, pem: Path, version: ssl.TLSVersion, tickets: bool
) -> None:
    context = _trusting(pem, version)
    if not tickets:
        # TLS 1.2 then has a session's number, which the server remembers; TLS 1.3 has only tickets.
        context.options |= ssl.OP_NO_TICKET
    session, resumed = _visit(secure, context)
    assert not resumed
    for _ in range(3):
        session, resumed = _visit(secure, context, session)
        assert resumed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_ticket_of_before_a_restart_is_no_harm(server: Start, pem: Path, version: ssl.TLSVersion) -> None:
    one = server(endpoints=(TLS,), files={"key.pem": pem.read_text()})
    context = _trusting(pem, version)
    session, _ = _visit(one, context)
    one.stop()
    one.start()
    session, resumed = _visit(one, context, session)
    assert not resumed
    assert _visit(one, context, session)[1]


def _trusting(pem: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pem))
    context.minimum_version = context.maximum_version = version
    return context


def _visit(
    server: Server, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession | None, bool]:
    """One request and its answer, with which a ticket comes: the session, and whether it was that one."""
    with (
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw,
        context.wrap_socket(raw, server_hostname="localhost", session=session) as wrapped,
    ):
        wrapped.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert wrapped.recv(4096).startswith(b"HTTP/1.1 200")
        return wrapped.session, bool(wrapped.session_reused)


@pytest.mark.parametrize("offered", [["h2", "http/1.1"], ["http/1.1"]])
def test_a_browser_that_offers_alpn_gets_http_1_1(secure: Server, pem: Path, offered: list[str]) -> None:
    context = ssl.create_default_context(cafile=str(pem))
    context.set_alpn_protocols(offered)
    with (
        socket.create_connection(("127.0.0.1", secure.port), PATIENCE) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.selected_alpn_protocol() == "http/1.1"
        wrapped.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert wrapped.recv(4096).startswith(b"HTTP/1.1 200")


def test_tls_of_yesterday_is_refused(secure: Server) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    # Else this side refuses to speak it before the server can.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", secure.port), timeout=PATIENCE) as bare,
        pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"),
    ):
        context.wrap_socket(bare)


def test_plain_http_on_the_tls_port_harms_nobody(secure: Server) -> None:
    with socket.create_connection(("127.0.0.1", secure.port), timeout=PATIENCE) as lost:
        lost.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in lost.recv(1000)
    assert get(secure.url, "/healthz").status == 200


@pytest.mark.parametrize("said", [version_1(CLIENT), version_2(CLIENT)])
def test_a_load_balancer_may_pass_tls_on(server: Start, pem: Path, said: bytes) -> None:
    port = free_port()
    behind = f"haproxy:ssl:{port}:privateKey=key.pem:interface=127.0.0.1"
    server(
        "--limit=connections_per_address=1",
        endpoints=(ON_LOOPBACK, behind),
        files={"key.pem": pem.read_text()},
    )
    context = _trusting(pem, ssl.TLSVersion.TLSv1_3)

    def connect() -> JsonClient:
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
        raw.sendall(said)
        return JsonClient("wss://localhost/ws", "Ana", sock=raw, ssl=context)

    with connect() as ana:
        ana.join()
        assert ana.post("hello") == 1
        with pytest.raises(ConnectionClosed) as refused:
            connect()
        assert code_of(refused.value) == 4429, "it is the client who is counted"


def test_a_server_with_both_is_one_chat(server: Start, pem: Path) -> None:
    one = server(endpoints=(ON_LOOPBACK, TLS), files={"key.pem": pem.read_text()})
    (_http, plain), (_https, secure) = one.ports
    with (
        JsonClient(f"ws://127.0.0.1:{plain}/ws", "Ana") as ana,
        JsonClient(f"wss://127.0.0.1:{secure}/ws", "Ben") as ben,
    ):
        ana.join()
        ben.join()
        ana.post("across")
        assert ben.event()["text"] == "across"


@pytest.mark.parametrize("more", ["", ":certKey=leaf.pem:extraCertChain=mid.pem"])
def test_the_whole_chain_is_sent(server: Start, more: str) -> None:
    """A client that knows only the root gets the certificates between from the server."""
    root, mid, leaf, key = _chain(datetime.now(UTC))
    files = {
        "key.pem": key + ("" if more else leaf + mid),
        "root.pem": root,
        "mid.pem": mid,
        "leaf.pem": leaf,
    }
    one = server(endpoints=(TLS + more,), files=files)
    context = ssl.create_default_context(cafile=str(one.folder / "root.pem"))
    with JsonClient(one.ws.replace("127.0.0.1", "localhost"), "Eva", ssl=context) as eva:
        assert eva.ask("ping")["type"] == "pong"


def _chain(now: datetime) -> tuple[str, str, str, str]:
    """The certificates of a root, of who it signed, and of who that one signed, whose key is the last."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("root", "mid", "leaf")
    ]
    pems = []
    for place, key in enumerate(keys):
        signer = max(0, place - 1)
        builder = x509.CertificateBuilder(names[signer], names[place], key.public_key(), place + 1)
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
        ca = x509.BasicConstraints(ca=place < 2, path_length=None)
        host = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        builder = builder.add_extension(ca, critical=True).add_extension(host, critical=False)
        pems.append(builder.sign(keys[signer], hashes.SHA256()).public_bytes(Encoding.PEM).decode())
    private = keys[2].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pems[0], pems[1], pems[2], private


def test_a_pem_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    ended = run("--endpoint=ssl:0:privateKey=none.pem", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "chatroom: there is no file none.pem; `chatroom cert none.pem` makes one, for development\n"
    )
