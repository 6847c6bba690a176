"""On asyncio's event loop, as beside asyncio libraries, it is the same server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .clients import JsonClient, PlainClient, get
from .conftest import Start, servers
from .server import ON_LOOPBACK, TLS, Server


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers."""
    yield from servers(tmp_path_factory.mktemp("asyncio"))


@pytest.fixture(scope="module")
def on_asyncio(start: Start, pem: Path) -> Server:
    """A server with a plain and a TLS port."""
    endpoints = (ON_LOOPBACK.format(port=0), TLS)
    files = {"key.pem": pem.read_text()}
    return start("--no-limits", twistd=("--reactor=asyncio",), files=files, endpoints=endpoints)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_page_and_the_chat_work(on_asyncio: Server, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{dict(on_asyncio.ports)[scheme]}"
    ws = url.replace("http", "ws") + "/ws"
    assert get(url).status == 200
    with JsonClient(ws, "Ana") as ana, PlainClient(f"{ws}?room={scheme}&name=Pia") as pia:
        ana.join(scheme)
        for number in range(50):
            ana.begin("post", room=scheme, text=f"{number} " + "x" * 7_000)
        assert [str(pia.text()).split()[0] for _ in range(50)] == [str(number) for number in range(50)]
        assert [ana.event()["seq"] for _ in range(50)] == list(range(1, 51))


def test_it_stops_in_good_order(on_asyncio: Server) -> None:
    with JsonClient(on_asyncio.ws, "Ana") as ana:
        ana.join()
        ana.post("kept")
        on_asyncio.signal(signal.SIGTERM)
        assert ana.event("closing")["reconnect_after"] > 0
        assert ana.end() == 4000
    assert on_asyncio.ended() == -signal.SIGTERM
    assert "twisted.internet.asyncioreactor" in on_asyncio.log
    assert "Server Shut Down." in on_asyncio.log
