"""Where the peers are installed: inside the checkout, in build/peers; nginx where apt puts it."""

import json
from pathlib import Path

from bench.servers import ROOT

HERE = Path(__file__).resolve().parent
PLACE = ROOT / "build" / "peers"
PYTHON = PLACE / "python"
CROSSBAR = PLACE / "crossbar"
NODE = PLACE / "node"
NODE_MODULES = NODE / "node_modules"
OUTCOME = PLACE / "outcome.json"
"""What became of the last installation: versions, and reasons for what failed."""


def nchan_module() -> Path | None:
    """The module nginx loads, where Debian and its relatives have it."""
    for folder in ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"):
        module = Path(folder) / "ngx_nchan_module.so"
        if module.exists():
            return module
    return None


def outcome() -> dict[str, dict[str, str]]:
    """`versions` and `failed`, by name; empty before the first installation."""
    return json.loads(OUTCOME.read_text()) if OUTCOME.exists() else {}


def why_not(name: str) -> str:
    """Why a peer is not there."""
    return outcome().get("failed", {}).get(name, "not installed; `python -m bench.peers` does that")
