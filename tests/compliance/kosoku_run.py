"""Runs kosoku case by case, with wstest's progress lines and reports: a child of the suite's.

    python -m tests.compliance.kosoku_run URL OUTDIR CASE...

kosoku's own command says nothing until it is done, knows no wss, and its exit status is not the
gate's business, so this drives its Python interface instead. Exit status 0 whatever the cases show.
"""

import asyncio
import os
import sys
from typing import Any

from kosoku import FailureError, run_fuzzingclient
from kosoku._report import write_reports

from .tls_relay import plain_url


async def run(url: str, cases: list[str]) -> list[Any]:
    """The results of the cases, in order, one connection each."""
    results: list[Any] = []
    async with plain_url(url) as address:
        for case in cases:
            print(f"Running test case ID {case}", flush=True)
            try:
                results += await run_fuzzingclient(address, [case])
            except FailureError as failure:
                results += failure.results
    return results


if __name__ == "__main__":
    url, outdir, *wanted = sys.argv[1:]
    write_reports(asyncio.run(run(url, wanted)), outdir)
    # Its native threads now and then abort the interpreter on its way out (0.1.0): go without.
    sys.stdout.flush()
    os._exit(0)
