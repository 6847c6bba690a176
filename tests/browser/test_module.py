"""chatroom.js on its own, in Node, against a server in memory."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_module_in_node() -> None:
    node = shutil.which("node")
    if node is None:
        reason = "node is not on the PATH"
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    suites = sorted(HERE.glob("*.test.mjs"))
    assert suites
    run = subprocess.run([node, "--test", *suites], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\n# fail 0\n" in run.stdout
    assert "\n# pass 0\n" not in run.stdout
