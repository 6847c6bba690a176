"""python tests/compliance/run.py: the suite against the chatroom server, or against any URL.

Exit status: 0 when every case asked for is there and good, 1 when one is not, 2 when the suite or
the server could not be run.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

if not __package__:
    # Started by its path: the path then holds this folder, not the checkout.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.compliance.cases import chosen
from tests.compliance.checkout import BUILD
from tests.compliance.engines import NoEngineError, Target, choose, spec_targets
from tests.compliance.gate import Judgement, ReportError, judge, read_outcomes
from tests.compliance.suite import run_all
from tests.compliance.summary import exit_status, summary
from tests.compliance.testee import PLAIN, TLS, TRANSPORTS, TesteeError, chatroom

REPORTS = BUILD / "compliance"


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python tests/compliance/run.py", description=__doc__)
    parser.add_argument(
        "--cases",
        nargs="+",
        default=["all"],
        metavar="CASES",
        help="all (517), short (421), tls, or patterns such as '7.*' 12.1.1; default: all",
    )
    parser.add_argument("--engine", choices=("auto", "wstest", "kosoku"), default="auto")
    parser.add_argument("--transport", choices=(*TRANSPORTS, "both"), default="both")
    parser.add_argument("--url", help="an echo server that runs already, instead of chatroom's own")
    parser.add_argument("--out", type=Path, default=REPORTS, help="folder for the reports")
    parser.add_argument(
        "--judge", type=Path, metavar="INDEX", help="run nothing; judge this index.json of our spec"
    )
    return parser.parse_args(argv)


@contextmanager
def targets(options: argparse.Namespace) -> Iterator[list[Target]]:
    """The servers to test, running for the time of the block.

    Each transport has a server process of its own, so that two runs at once load two cores.
    """
    if options.url:
        secure = urlsplit(options.url).scheme == "wss"
        yield [Target(TLS if secure else PLAIN, options.url)]
        return
    wanted = TRANSPORTS if options.transport == "both" else (options.transport,)
    with ExitStack() as running:
        found = []
        for transport in wanted:
            folder = running.enter_context(tempfile.TemporaryDirectory(prefix="compliance-"))
            urls = running.enter_context(chatroom(Path(folder)))
            found.append(Target(transport, urls[transport]))
        yield found


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit status."""
    options = arguments(argv)
    try:
        cases = chosen(options.cases)
        found = judged(options.judge, cases) if options.judge else tested(options, cases)
    except (ValueError, NoEngineError, TesteeError) as error:
        print(error, file=sys.stderr)
        return 2
    print(summary(found))
    return exit_status(found)


def tested(options: argparse.Namespace, cases: Sequence[str]) -> dict[str, Judgement | Exception]:
    """Start what is to be tested, run the suite against it, and judge each server's report."""
    engine = choose(options.engine)
    with targets(options) as servers:
        print(f"{engine.name}: {len(cases)} cases against", *(server.url for server in servers), flush=True)
        started = time.monotonic()
        found = asyncio.run(run_all(engine, servers, cases, options.out))
    print(f"\n{engine.name}, {time.monotonic() - started:.0f} s")
    for server in servers:
        print(f"{server.agent}: {options.out / server.agent / 'index.html'}")
    if engine.blind_to:
        print(f"{engine.name} does not see: {'; '.join(engine.blind_to)}")
    return found


def judged(index: Path, cases: Sequence[str]) -> dict[str, Judgement | Exception]:
    """Judge a report that someone's wstest made from our spec: every server of the spec counts."""
    found: dict[str, Judgement | Exception] = {}
    for server in spec_targets():
        try:
            found[server.agent] = judge(cases, read_outcomes(index, server.agent))
        except ReportError as error:
            found[server.agent] = error
    return found


def _stop(signum: int, frame: object) -> None:
    # As Ctrl-C does: leave through every `finally`, which is where the children are ended.
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
