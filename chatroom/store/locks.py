"""Locks: one server at a time on a data folder, and on a database."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from chatroom.store.opening import Unusable


def take_data(folder: Path) -> int:
    """Make the data folder ours, made where it is not there. Returns its lock, as `take` does."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return take(folder / "lock", f"{folder}", "--data")
    except FileExistsError:
        raise Unusable(f"{folder} is a file: --data takes a folder") from None
    except OSError as error:
        raise Unusable(
            f"the data folder {folder} cannot be written ({error.strerror}): give it to the user"
            " that runs chatroom, or name another with --data"
        ) from None


def take(path: Path, what: str, option: str) -> int:
    """Lock the file `path`, for the life of this process: two servers on one log would each tell
    only their own members.

    Returns the lock's file descriptor. Raises Unusable where the file cannot be made or `what` is in
    use; `option` names another.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unusable(
            f"{path} cannot be written ({error.strerror}): give it to the user that runs chatroom, or"
            f" name another with {option}"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 20).decode("ascii", "replace").strip()
        os.close(lock)
        raise Unusable(
            f"another chatroom server (process {holder or '?'}) works on {what}: stop it, or name"
            f" another with {option}"
        ) from None
    # Whose it is now is written once a daemon has forked.
    os.truncate(lock, 0)
    return lock
