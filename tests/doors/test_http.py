"""The web door: what is served, what is not, and upgrades on connections that were kept alive."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.resource import Resource

from chatroom.domain.limits import Limits
from chatroom.doors.headers import HEADERS, page_policy
from chatroom.doors.hosts import Hosts
from chatroom.doors.http import WebRoot
from chatroom.doors.proxies import Proxies

from .accounts import Bureau
from .premises import Premises
from .rawframes import ACCEPT, Answer, answer, masked, upgrade


@pytest.fixture
def premises() -> Premises:
    return Bureau(echo=True)


def request(path: str | bytes, method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    target = path if isinstance(path, bytes) else path.encode()
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{method} ".encode() + target + f" HTTP/{version}\r\nHost: chat.example\r\n{fields}\r\n".encode()


def ask(premises: Premises, path: str | bytes, method: str = "GET", **headers: str) -> Answer:
    """One request; the answer, its body put together."""
    return unchunked(premises.call(request(path, method, **headers)).answer(method))


def unchunked(found: Answer) -> Answer:
    if "transfer-encoding" not in found.headers:
        return found
    body, rest = b"", found.body + found.rest
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found._replace(body=body, rest=b"")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/?room=lobby", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/chatroom.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
        ("/plain.html", "text/html; charset=utf-8"),
    ],
)
def test_the_clients_files_are_served_and_asked_for_again_each_time(
    premises: Premises, path: str, kind: str
) -> None:
    found = ask(premises, path)
    assert (found.status, found.headers["content-type"]) == (200, kind)
    assert found.headers["cache-control"] == "no-cache"
    assert found.body
    unchanged = ask(premises, path, If_Modified_Since=found.headers["last-modified"])
    assert (unchanged.status, unchanged.body) == (304, b"")


def test_the_health_check(premises: Premises) -> None:
    found = ask(premises, "/healthz")
    assert (found.status, found.body) == (200, b'{"status":"ok"}\n')
    assert found.headers["content-type"] == "application/json"
    assert found.headers["cache-control"] == "no-store"
    assert answer(premises.call(b"GET /healthz HTTP/1.0\r\n\r\n").took()).status == 200


@pytest.mark.parametrize("path", ["/", "/index.html", "/chatroom.js", "/healthz", "/nowhere"])
def test_head_is_get_without_the_body(premises: Premises, path: str) -> None:
    got, head = ask(premises, path), ask(premises, path, "HEAD")
    assert (head.status, head.body, head.rest) == (got.status, b"", b"")
    for name in ("content-type", "cache-control", "access-control-allow-origin"):
        assert head.headers.get(name) == got.headers.get(name)


NOWHERE = [
    *("/nowhere", "/index", "/index.html/", "/index.html/x", "//", "//index.html", "/./index.html"),
    *("/..", "/../index.html", "/../../etc/passwd", "/%2e%2e/index.html", "/..%2findex.html"),
    *("/%2findex.html", "/%2Fetc%2Fpasswd", "/web/../index.html", "/index.html%00", "/%00.js"),
    *("/.git", "/.js", "/.hidden.js", "/package.json", "/index.HTML", "/chatroom.js~", "/chatroom%2ejs%2f"),
    *(
        "/\\index.html",
        "/..\\index.html",
        "/C:/index.html",
        "/%ff.js",
        "/%c0%ae%c0%ae/index.html",
        "/~",
        "/:x",
    ),
    *("/__init__.py", "/tap.py", "/*", "/ws/", "/ws/x", "/healthz/", "/healthz/x", "/" + "x" * 8_000 + ".js"),
]


@pytest.mark.parametrize("path", NOWHERE)
def test_nothing_else_is_there(premises: Premises, path: str) -> None:
    found = ask(premises, path)
    assert found.status == 404, found
    assert b"root:" not in found.body
    assert b"Traceback" not in found.body


@given(
    st.lists(st.sampled_from(["..", ".", "%2e", "%2f", "/", "\\", "index.html", "x", "%00", "%5c", ".js"]))
)
def test_whatever_the_path_is_the_folder_is_not_left(pieces: list[str]) -> None:
    premises = Premises()
    found = ask(premises, "/" + "".join(pieces))
    assert found.status in (200, 404)
    if found.status == 200:
        assert b"<!doctype html>" in found.body.lower()


def test_a_file_that_lies_in_the_folder_but_is_none_of_the_clients(tmp_path: Path) -> None:
    for name in (".secret.js", "notes.txt", "key.pem", "page.js"):
        (tmp_path / name).write_text("content")
    (tmp_path / "folder.js").mkdir()
    premises = Premises()
    premises.web.resource = WebRoot(tmp_path, {})
    found = {path.name: ask(premises, f"/{path.name}").status for path in tmp_path.iterdir()}
    assert found == {".secret.js": 404, "notes.txt": 404, "key.pem": 404, "page.js": 200, "folder.js": 404}
    assert ask(premises, "/").status == 404


OF_FILES = {"Content-Security-Policy": page_policy("chat.example", None)}
ANSWERED = {
    "a page": (request("/"), 200),
    "a page that has not changed": (request("/", If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT"), 304),
    "the other page": (request("/plain.html"), 200),
    "a style": (request("/style.css"), 200),
    "a script": (request("/chatroom.js"), 200),
    "a part": (request("/chatroom.js", Range="bytes=0-9"), 206),
    "no such part": (request("/chatroom.js", Range="bytes=9999999-"), 416),
    "health": (request("/healthz"), 200),
    "nothing": (request("/nowhere"), 404),
    "below a file": (request("/index.html/x"), 404),
    "a method that is not allowed": (request("/", "POST", Content_Length="0"), 405),
    "a method that is none": (request("/healthz", "BREW"), 501),
    "the server as a whole": (request("*", "OPTIONS"), 200),
    "a tunnel": (request("chat.example:443", "CONNECT"), 404),
    "no upgrade": (request("/ws"), 426),
    "no request": (b"nonsense\r\n\r\n", 400),
    "a head that is too long": (request("/", X="x" * 16_000, Y="y" * 1_000), 431),
    "two hosts": (request("/", Host="other"), 400),
    "a bad length": (request("/", "POST", Content_Length="x"), 400),
    "two lengths": (request("/", "POST", Content_Length="1", content_length="2"), 400),
    "length and chunks": (request("/", "POST", Content_Length="1", Transfer_Encoding="chunked"), 400),
    "a body that is far too long": (
        request("/", "POST", Content_Length="1100000") + b"x" * 1_100_000,
        413,
    ),
    "an account": (request("/account"), 200),
    "no account": (request("/account/nowhere"), 404),
    "an account's method": (request("/account", "PUT"), 405),
    "an account for a foreign page": (request("/account/login", "POST", Origin="https://foe.example"), 403),
    "an account without JSON": (request("/account/login", "POST", Origin="http://chat.example"), 415),
    "a foreign page": (upgrade(Origin="https://foe.example"), 403),
    "an upgrade of what is none": (upgrade("/nowhere"), 404),
    "another version": (upgrade(Sec_WebSocket_Version="8"), 400),
    "a bad key": (upgrade(Sec_WebSocket_Key="short"), 400),
    "an upgrade with a body": (upgrade(Content_Length="5") + b"hello", 400),
    "an old upgrade": (upgrade().replace(b"HTTP/1.1", b"HTTP/1.0"), 505),
}


@pytest.mark.parametrize("kept", [b"", request("/healthz")], ids=["fresh", "kept alive"])
@pytest.mark.parametrize("what", ANSWERED)
def test_every_answer_has_the_security_headers(premises: Premises, what: str, kept: bytes) -> None:
    sent, status = ANSWERED[what]
    caller = premises.call(kept)
    if kept:
        assert caller.answer().status == 200
    caller.send(sent)
    found = caller.answer()
    assert found.status == status, found
    expected = HEADERS | (OF_FILES if found.headers.get("cache-control") == "no-cache" else {})
    if "access-control-allow-origin" in found.headers:
        expected |= {"Cross-Origin-Resource-Policy": "cross-origin"}
    for name, value in expected.items():
        assert found.headers.get(name.lower()) == value, (name, found)
    assert "twisted" not in str(found).lower()
    if found.body and found.headers["content-type"] != "application/json":
        assert "charset=utf-8" in found.headers["content-type"] or status in (200, 206), found


@pytest.mark.parametrize("path", ["/", "/healthz", "/account", "/nowhere"])
def test_under_another_name_there_is_nothing(premises: Premises, path: str) -> None:
    premises.web.hosts = Hosts(["chat.example"])
    assert ask(premises, path, Host="192.0.2.1").status == 400  # two of them
    other = request(path).replace(b"chat.example", b"foe.example")
    caller = premises.call(other)
    found = caller.answer()
    assert (found.status, found.headers["content-type"]) == (421, "text/plain; charset=utf-8")
    assert b"This server is not called foe.example" in unchunked(found).body
    for name, value in HEADERS.items():
        assert found.headers[name.lower()] == value
    # A connection that several names share goes on.
    caller.send(request("/healthz"))
    assert caller.answer().status == 200
    assert answer(premises.call(b"GET /healthz HTTP/1.0\r\n\r\n").took()).status == 200


def test_the_policy_says_wss_where_a_proxy_says_that_it_does_tls(premises: Premises) -> None:
    premises.web.proxies = Proxies(["192.0.2.1"])
    for proto, sockets in (("https", "wss://chat.example"), ("http", "ws://chat.example")):
        policy = ask(premises, "/", X_Forwarded_Proto=proto).headers["content-security-policy"]
        assert f"connect-src 'self' {sockets};" in policy


def test_what_fails_inside_is_told_without_its_traceback(premises: Premises) -> None:
    class Failing(Resource):
        def render_GET(self, _request: object) -> bytes:
            raise RuntimeError("secret")

    premises.web.resource.putChild(b"failing", Failing())
    found = ask(premises, "/failing")
    assert found.status == 500
    assert b"secret" not in found.body + found.rest
    for name, value in HEADERS.items():
        assert found.headers[name.lower()] == value


def test_the_page_runs_under_its_own_policy(premises: Premises) -> None:
    """Nothing inline, nothing from elsewhere."""
    for path in ("/", "/plain.html"):
        page = ask(premises, path).body.decode().lower()
        assert "<script>" not in page
        assert " style=" not in page
        assert "onclick" not in page
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page


def test_where_websockets_connect_a_browser_is_told_so(premises: Premises) -> None:
    found = ask(premises, "/ws")
    assert (found.status, found.headers["upgrade"]) == (426, "websocket")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"WebSockets" in found.body


@pytest.mark.usefixtures("kind")
class TestKeptAlive:
    """One connection, several requests."""

    def test_requests_are_answered_one_after_the_other(self, premises: Premises) -> None:
        caller = premises.call(request("/healthz"))
        for _ in range(3):
            assert caller.answer().body == b'{"status":"ok"}\n'
            assert not caller.gone
            caller.send(request("/healthz"))

    @pytest.mark.parametrize("path", ["/", "/ws", "/echo"])
    def test_the_last_may_be_an_upgrade(self, premises: Premises, path: str) -> None:
        caller = premises.call(request("/"))
        assert caller.answer().status == 200
        caller.send(upgrade(path))
        opened = caller.answer()
        assert (opened.status, opened.headers["sec-websocket-accept"]) == (101, ACCEPT)
        assert premises.admission.connections == 1

    @given(st.lists(st.integers(0, 400), max_size=6).map(sorted))
    def test_the_upgrade_and_what_is_right_behind_it_may_come_in_any_pieces(self, cuts: list[int]) -> None:
        premises = Premises(echo=True)
        sent = request("/healthz") * 2 + upgrade("/echo") + masked(b"one") + masked(b"two")
        caller = premises.call(*[sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)])
        assert [caller.answer().status for _ in range(3)] == [200, 200, 101]
        assert caller.texts() == ["one", "two"]

    def test_bytes_behind_the_upgrade_are_no_request(self, premises: Premises) -> None:
        caller = premises.call(request("/healthz"))
        caller.send(upgrade("/echo") + request("/healthz"))
        assert [caller.answer().status for _ in range(2)] == [200, 101]
        (closing,) = caller.frames()
        assert closing.code == 1002

    def test_a_refused_upgrade_ends_the_connection(self, premises: Premises) -> None:
        caller = premises.call(request("/healthz"))
        caller.send(upgrade(Origin="https://foe.example") + request("/healthz"))
        assert [caller.answer().status for _ in range(2)] == [200, 403]
        assert caller.took() == b""
        assert caller.gone

    @pytest.mark.parametrize("bad", ["\x0b", "\x0c", "\x1c", "\x85", "\0"])
    def test_an_upgrade_with_a_control_byte_is_refused(self, premises: Premises, bad: str) -> None:
        caller = premises.call(request("/healthz"))
        caller.send(upgrade(X_Odd=f"a{bad}Origin: https://foe.example"))
        assert [caller.answer().status for _ in range(2)] == [200, 400]
        assert caller.took() == b""

    def test_what_is_no_request_ends_the_connection(self, premises: Premises) -> None:
        caller = premises.call(request("/healthz"))
        caller.send(b"nonsense\r\n\r\n" + request("/healthz"))
        assert [caller.answer().status for _ in range(2)] == [200, 400]
        assert caller.took() == b""
        assert caller.gone

    def test_old_http_is_answered_once(self, premises: Premises) -> None:
        caller = premises.call(request("/healthz", version="1.0"))
        assert caller.answer().status == 200
        assert caller.gone

    def test_who_says_nothing_for_a_minute_is_dropped(self, premises: Premises) -> None:
        caller = premises.call(request("/healthz"))
        premises.pass_time(59)
        assert not caller.gone
        premises.pass_time(2)
        assert caller.gone

    def test_a_conversation_is_not_dropped_for_its_silence(self, premises: Premises) -> None:
        caller = premises.call(request("/healthz"))
        caller.answer()
        caller.send(upgrade("/ws"))
        assert caller.answer().status == 101
        caller.premises.clock.advance(20)
        assert not caller.gone

    def test_who_does_not_read_the_answer_is_dropped(self, tmp_path: Path) -> None:
        (tmp_path / "large.js").write_text("x" * 1_000_000)
        premises = Premises()
        premises.web.resource = WebRoot(tmp_path, {})
        slow, patient = premises.call(request("/healthz")), premises.call(request("/healthz"))
        for caller in (slow, patient):
            caller.took()
            caller.protocol.dataReceived(request("/large.js"))
            caller.transport.producer.pauseProducing()
        assert len(slow.took()) < 200_000
        premises.pass_time(50)
        patient.transport.producer.resumeProducing()
        assert len(patient.took()) > 800_000
        premises.pass_time(30)
        assert slow.gone
        assert not patient.gone
        premises.pass_time(31)
        assert patient.gone

    def test_nothing_is_left_of_it(self) -> None:
        premises = Premises(Limits(ping_interval=0))
        caller = premises.call(request("/healthz"))
        caller.send(upgrade("/ws"))
        assert premises.admission.connections == 1
        caller.vanish()
        premises.pass_time(100)
        assert premises.empty()
        assert premises.admission.connections == 0


def test_a_request_body_is_read_and_not_kept(premises: Premises) -> None:
    caller = premises.call(request("/", "POST", Content_Length="5") + b"hello" + request("/healthz"))
    assert caller.answer().status == 405
    assert caller.answer().status == 200
