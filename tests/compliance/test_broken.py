"""The gate can fail: with either engine it does, on servers that are wrong."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from .broken import BROKEN, CORRECT, Broken
from .cases import matching
from .engines import Engine, Target
from .gate import Judgement
from .suite import run
from .watch import Deadlines, EngineError


def judgement(engine: Engine, url: str, cases: Sequence[str], folder: Path) -> Judgement:
    """The gate's word on one server."""
    return asyncio.run(run(engine, Target("echo", url), cases, folder / "report"))


@pytest.mark.parametrize("server", BROKEN, ids=lambda server: server.__name__)
def test_a_broken_server_fails(
    server: type[Broken], either_engine: Engine, echoes: Mapping[str, str], tmp_path: Path
) -> None:
    found = judgement(either_engine, echoes[server.__name__], server.cases, tmp_path)
    seen = either_engine.name == "wstest" or server.kosoku_sees
    # What kosoku is known not to see is asserted too: the list in engines.py stays true.
    assert set(found.faults) == (set(server.cases) if seen else set())


def test_the_correct_echo_passes_those_cases(
    either_engine: Engine, echoes: Mapping[str, str], tmp_path: Path
) -> None:
    cases = matching(case for server in BROKEN for case in server.cases)
    assert not judgement(either_engine, echoes[CORRECT], cases, tmp_path).faults


def test_nothing_listening_fails(either_engine: Engine, tmp_path: Path) -> None:
    with socket.socket() as bound:
        # Bound and not listening: nobody else can take the port, and connecting is refused.
        bound.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{bound.getsockname()[1]}/echo"
        assert set(judgement(either_engine, url, ["1.1.1"], tmp_path).faults) == {"1.1.1"}


def test_a_server_that_never_answers_fails(either_engine: Engine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target("echo", f"ws://127.0.0.1:{silent.getsockname()[1]}/echo")
        # wstest gives up after 5 seconds and reports the case; kosoku waits, and is ended.
        limits = Deadlines(total=60, silence=10)
        running = run(either_engine, target, ["1.1.1"], tmp_path / "report", limits)
        try:
            faults = asyncio.run(running).faults
        except EngineError as error:
            faults = {"1.1.1": str(error)}
    assert set(faults) == {"1.1.1"}
