"""What the conformance tests share: the engine and the servers, one of each a session."""

import os
from collections.abc import Iterator, Mapping

import pytest

from .broken import serve
from .engines import Engine, NoEngineError, choose
from .testee import chatroom


@pytest.fixture(scope="session")
def engine() -> Engine:
    """wstest where there is a Python 2.7, kosoku elsewhere."""
    return _engine("auto")


@pytest.fixture(scope="session", params=["auto", "kosoku"])
def either_engine(request: pytest.FixtureRequest) -> Engine:
    """The one that `engine` is, and kosoku, the fallback, which is to be trusted as well."""
    return _engine(request.param)


def _engine(wanted: str) -> Engine:
    try:
        return choose(wanted)
    except NoEngineError as error:
        if os.environ.get("CHATROOM_REQUIRE_ALL") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def echoes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """URLs of the correct echo and of every broken one, by class name."""
    with serve(tmp_path_factory.mktemp("echoes") / "server.log") as urls:
        yield urls


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """URLs of the real server's echo: "plain" and "tls"."""
    with chatroom(tmp_path_factory.mktemp("chatroom")) as urls:
        yield urls
