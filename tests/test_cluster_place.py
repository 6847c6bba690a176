"""Where a local cluster is: its folder, its ports, its passwords, and what is said of mistakes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tools.cluster.engines import program
from tools.cluster.place import Mistake, Place


def test_a_folder_is_one_clusters_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    lock = Place(9000, folder).take()
    with pytest.raises(Mistake) as mistake:
        Place(9100, folder).take()
    assert (
        str(mistake.value) == f"another cluster runs in {folder}: end it, or name another folder with --data"
    )
    os.close(lock)
    os.close(Place(9100, folder).take())


def test_a_folder_that_cannot_be_had_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file/data", tmp_path / "nowhere/data"):
        with pytest.raises(Mistake, match=r"cannot be written \(.*\): name another folder with --data$"):
            Place(9000, folder).take()


def test_a_port_in_use_is_named_with_what_it_is_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # Of those before it, another may be taken too.
        with pytest.raises(
            Mistake, match=r"^port \d+, for [\w' ]+, cannot be had \(Address already in use\)"
        ):
            Place(port - 79, tmp_path).check_ports()


def test_a_password_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    place = Place(9000, tmp_path)
    made = place.secret("pgpass", "127.0.0.1:*:*:chat:{}")
    assert made.read_text().startswith("127.0.0.1:*:*:chat:")
    assert len(made.read_text().strip().rpartition(":")[2]) >= 32
    assert made.stat().st_mode & 0o077 == 0
    before = made.read_text()
    assert place.secret("pgpass").read_text() == before
    assert place.private("redis.conf", "user default off").stat().st_mode & 0o077 == 0


def test_a_program_that_is_not_there_is_named_with_its_package() -> None:
    with pytest.raises(Mistake) as mistake:
        program("no-such-program", "redis-server")
    assert str(mistake.value) == (
        "no-such-program is not installed: on Debian, as root, apt-get install redis-server"
    )
