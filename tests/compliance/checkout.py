"""Where this checkout is, and an environment in which child processes run its code."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

# What is made here is made once, or written anew by each run; never committed.
BUILD = CHECKOUT / "build"


def environment() -> dict[str, str]:
    """This process's environment variables; Python finds the checkout first, installed or not."""
    paths = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
