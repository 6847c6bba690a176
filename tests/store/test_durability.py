"""An acknowledged message is on disk, whenever the process is killed."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from .keeping import PATIENCE, OnDisk

CHECKOUT = Path(__file__).parents[2]

APPENDING = """
import os, sys
from pathlib import Path
from tests.store.drafts import said
from tests.store.keeping import OnDisk

kept = OnDisk(Path(sys.argv[1]))

def acknowledged(event):
    os.write(1, b"%s %d\\n" % (event.text.encode(), event.seq))
    append()

def append(numbers=iter(range(10**9))):
    draft = said(f"{sys.argv[2]}.{next(numbers)}", f"room{next(numbers) % 3}")
    kept.store.append(draft).addCallback(acknowledged)

for _ in range(20):
    append()
while True:
    kept.calls.call_one()
"""


@pytest.mark.parametrize("seed", range(3))
def test_what_was_acknowledged_survives_kill_9(tmp_path, seed):
    rng, acknowledged = random.Random(seed), set()
    for life in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", APPENDING, str(tmp_path), str(life)], cwd=CHECKOUT, stdout=subprocess.PIPE
        ) as child:
            lines = [child.stdout.readline() for _ in range(rng.randint(1, 400))]
            child.kill()
            lines += child.stdout.read().splitlines()
            child.wait(PATIENCE)
        acknowledged |= {tuple(line.decode().split()) for line in lines}
    kept = OnDisk(tmp_path)
    try:
        logs = [kept.wait(kept.store.after(f"room{n}", 0, 10_000, 2**30)).events for n in range(3)]
    finally:
        kept.close()
    assert {(event.text, str(event.seq)) for log in logs for event in log} >= acknowledged
    assert len(acknowledged) >= 3
    for log in logs:
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
