"""python tests/compliance: the suite against the chatroom server, or against any URL.

Exit status: 0 when every case asked for is there and good, 1 when one is not, 2 when the suite or
the server could not be run.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

if not __package__:
    # Started as `python tests/compliance`: that puts the package's inside on the path.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from compliance.cases import chosen
from compliance.engines import Engine, NoEngineError, Target, choose
from compliance.suite import run_all
from compliance.summary import exit_status, summary
from compliance.testee import CHECKOUT, PLAIN, TLS, TRANSPORTS, TesteeError, chatroom

REPORTS = CHECKOUT / "build" / "compliance"


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python tests/compliance", description=__doc__)
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
        engine: Engine = choose(options.engine)
        with targets(options) as servers:
            print(f"{engine.name}: {len(cases)} cases against", *(t.url for t in servers))
            started = time.monotonic()
            found = asyncio.run(run_all(engine, servers, cases, options.out))
    except (ValueError, NoEngineError, TesteeError) as error:
        print(error, file=sys.stderr)
        return 2
    print(summary(engine, found, options.out, time.monotonic() - started))
    return exit_status(found)


if __name__ == "__main__":
    sys.exit(main())
