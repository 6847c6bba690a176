"""The server conforms: groups 1 to 10 whole and the short set of 12 and 13, and a part over TLS.

All 517, plain and over TLS, are what `make compliance` runs; see README.md.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from .cases import group, short_set, tls_set
from .engines import Engine, Target
from .gate import Outcome, judge, read_outcomes
from .suite import run
from .testee import PLAIN, TLS

WANTED: dict[str, tuple[str, ...]] = {PLAIN: short_set(), TLS: tls_set()}

# The first test does all the work: about two minutes on two idle cores.
pytestmark = pytest.mark.timeout(1800)

# The engine waits for the server and the server for the engine: two runs at once fill two cores.
AT_ONCE = 2

# The plain cases are dealt out to this many runs, so that they end at about the same time.
PLAIN_RUNS = 2

GROUPS = [
    (transport, number)
    for transport, cases in WANTED.items()
    for number in sorted({group(case) for case in cases})
]


@pytest.fixture(scope="session")
def outcomes(
    engine: Engine, server: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Outcome]]:
    """The verdicts on the real server, by transport and case."""
    folder = tmp_path_factory.mktemp("conformance")
    runs = [(PLAIN, WANTED[PLAIN][first::PLAIN_RUNS]) for first in range(PLAIN_RUNS)]
    runs.insert(0, (TLS, WANTED[TLS]))
    found: dict[str, dict[str, Outcome]] = {PLAIN: {}, TLS: {}}
    for transport, part in asyncio.run(_run_all(engine, server, runs, folder)):
        found[transport] |= part
    return found


async def _run_all(
    engine: Engine,
    server: Mapping[str, str],
    runs: Sequence[tuple[str, Sequence[str]]],
    folder: Path,
) -> list[tuple[str, dict[str, Outcome]]]:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> tuple[str, dict[str, Outcome]]:
        transport, cases = runs[number]
        target = Target(f"{transport}-{number}", server[transport])
        async with free:
            await run(engine, target, cases, folder / target.agent)
        index = folder / target.agent / "index.json"
        return transport, read_outcomes(index, engine.agent(target))

    return await asyncio.gather(*map(one, range(len(runs))))


@pytest.mark.parametrize(("transport", "number"), GROUPS)
def test_group(transport: str, number: int, outcomes: Mapping[str, Mapping[str, Outcome]]) -> None:
    cases = [case for case in WANTED[transport] if group(case) == number]
    found = {case: out for case, out in outcomes[transport].items() if group(case) == number}
    assert not judge(cases, found).faults
