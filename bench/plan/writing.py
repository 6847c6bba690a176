"""A process that commits one event after the other, as a node does that has one post at a time.

`python -m bench.plan.writing URL ROOM SECONDS` says `ready`, begins at a line on its input, and says how
many commits it made. Each is a process, so that they wait for the database and not for each other.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from secrets import token_hex

from bench.plan.drafts import post
from bench.servers import ROOT
from chatroom.store.commit import commit
from chatroom.store.opening import open_engines


def commits_a_second(url: str, rooms: Sequence[str], seconds: float) -> float:
    """Of one writer for each of `rooms`, all at once."""
    command = [sys.executable, "-m", "bench.plan.writing", url]
    writers = [
        subprocess.Popen(
            [*command, room, str(seconds)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for room in rooms
    ]
    try:
        for one in writers:
            assert one.stdout is not None
            one.stdout.readline()
        for one in writers:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        return sum(int(one.communicate()[0]) for one in writers) / seconds
    finally:
        for one in writers:
            one.kill()
            one.wait()


def main() -> None:
    url, room, seconds = sys.argv[1:]
    writing, _reading = open_engines(url)
    mine, done = token_hex(8), 0
    with writing.connect() as connection:
        print("ready", flush=True)
        sys.stdin.readline()
        until = time.perf_counter() + float(seconds)
        while time.perf_counter() < until:
            with connection.begin():
                commit(connection, [post(room, key=f"{mine} {done}")], careful=False)
            done += 1
    print(done)


if __name__ == "__main__":
    main()
