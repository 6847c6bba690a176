"""The committed spec file, as someone else's wstest would take it."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from .engines import SPEC, Engine, Target, Wstest, spec_for, spec_targets
from .gate import judge, read_outcomes
from .testee import PLAIN, TLS
from .watch import Deadlines, watch


def test_every_server_has_an_agent_of_its_own() -> None:
    assert spec_targets() == [
        Target("chatroom-plain", "ws://127.0.0.1:9001/echo"),
        Target("chatroom-tls", "wss://127.0.0.1:9443/echo"),
    ]


def test_it_leaves_no_case_out() -> None:
    spec = json.loads(SPEC.read_text(encoding="utf-8"))
    assert spec["cases"] == ["*"]
    assert not spec["exclude-cases"]
    assert not spec["exclude-agent-cases"]


def test_wstest_takes_both_servers_in_one_run(
    engine: Engine, server: Mapping[str, str], tmp_path: Path
) -> None:
    if not isinstance(engine, Wstest):
        pytest.skip("kosoku reads no spec files: this needs a Python 2.7")
    # Only the ports and the number of cases differ from the committed file.
    targets = [Target("chatroom-plain", server[PLAIN]), Target("chatroom-tls", server[TLS])]
    cases = ("1.1.1", "2.1", "7.1.1")
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(spec_for(targets, cases, tmp_path)), encoding="utf-8")
    argv = [engine.python.interpreter, "-m", "autobahntestsuite.wstest"]
    argv += ["--mode", "fuzzingclient", "--spec", spec]
    environment = os.environ | engine.python.variables()
    deadlines = Deadlines(total=60, silence=60)
    log = tmp_path / "wstest.log"
    asyncio.run(watch([str(a) for a in argv], environment, deadlines, log, lambda line: None))
    for target in targets:
        assert not judge(cases, read_outcomes(tmp_path / "index.json", target.agent)).faults
