"""The command: `python -m bench.plan`."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from bench.plan import costs, page
from bench.servers import ROOT, Cores


def _measured(scratch: Path) -> dict[str, float]:
    """On cores as in the benchmark: the engines on the server's, what asks them on the load's."""
    # The engines' clients are there only where they are wanted.
    from bench.plan.measuring import measured

    cores = Cores.chosen()
    os.sched_setaffinity(0, {cores.load})
    return measured(cores.server, scratch)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.plan",
        description="Compute what bounds a far larger server, from what was measured; write docs/beyond.md.",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure first what the benchmark's scenarios do not show apart",
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    parser.add_argument("--scratch", type=Path, default=Path("/var/tmp"), help="on a real disk (%(default)s)")
    chosen = parser.parse_args()
    folder = chosen.docs / "performance"
    if chosen.measure:
        when = {
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "load": round(os.getloadavg()[0], 1),
            "cores": os.cpu_count(),
        }
        found = {name: round(value, 3) for name, value in sorted(_measured(chosen.scratch).items())}
        kept = {"when": when, "measured": found, "assumed": costs.ASSUMED}
        (folder / costs.MEASURED).write_text(json.dumps(kept, indent=1) + "\n")
    page.write(chosen.docs, costs.read(folder), costs.when(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
