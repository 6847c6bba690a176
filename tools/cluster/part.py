"""One program of a cluster, as a process: started, watched, ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .place import Mistake

PATIENCE = 180.0
"""Seconds that a part may take to answer, on a busy machine."""

ENDING = 20.0
"""Seconds that a part may take to end, before it is killed."""

_PR_SET_PDEATHSIG = 1


class Part:
    """A program. `answers` says whether it does what it is for; `farewell` is the signal that ends it in
    good order; `uid` and `gid` are whose it is, where that is not ours."""

    def __init__(
        self,
        name: str,
        address: str,
        command: Sequence[str | Path],
        answers: Callable[[], bool],
        log: Path,
        *,
        folder: Path,
        farewell: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
        user: tuple[int, int] | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.log = log
        self._command = [str(word) for word in command]
        self._answers = answers
        self._folder = folder
        self._farewell = farewell
        self._environment = {**os.environ, **(environment or {})}
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process; 0 while there is none."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, in a session of its own: a Ctrl-C is for who ends the parts in their order."""
        uid, gid = self._user or (None, None)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=None if gid is None else [],
                preexec_fn=_end_with_us(self._farewell),
            )

    def wait(self) -> None:
        """Wait until it answers. Raises Mistake where it ends instead."""
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self.ended() is not None or time.monotonic() > deadline:
                raise Mistake(f"{self.name} does not run; {self.log} ends with:\n{self._last_lines()}")
            time.sleep(0.1)

    def ended(self) -> str | None:
        """How it has ended, if it has."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return None
        return f"with status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"

    def bid_farewell(self) -> None:
        """Tell it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self._farewell)

    def bury(self) -> None:
        """Wait for its end, which is near."""
        if self._process is None:
            return
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"    {line}" for line in lines)


def _end_with_us(how: signal.Signals) -> Callable[[], None] | None:
    """What has the kernel (Linux) end a process with the one that started it, whatever becomes of that."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, how)
