"""Where the figures were taken: processor, memory, kernel, disk, versions. Read, never typed in."""

import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path

from bench.engines import versions

PACKAGES = ("Twisted", "autobahn", "msgspec", "SQLAlchemy", "cryptography", "pyOpenSSL", "psycopg", "hiredis")

# A disk that forgets: an acknowledgement measured on one of these says nothing.
FORGETFUL = {"tmpfs", "ramfs", "overlay"}


def describe(scratch: Path) -> dict[str, object]:
    """`scratch` is the directory the servers write to."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "virtual": "hypervisor" in Path("/proc/cpuinfo").read_text(),
        "kernel": (re.match(r"[\d.]+\d", platform.release()) or [platform.system()])[0],
        "congestion_control": _sysctl("net/ipv4/tcp_congestion_control"),
        "filesystem": filesystem(scratch),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": _versions(),
        "engines": versions(),
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return re.sub(r"\s+", " ", found[1]) if found else platform.machine()


def _sysctl(name: str) -> str:
    path = Path("/proc/sys") / name
    return path.read_text().strip() if path.exists() else "unknown"


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _commit() -> str:
    """The commit that was measured, with a + where the server's files differ from it."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "--short=10", "HEAD")
        changed = _git(here, "status", "--porcelain", "--", "../chatroom", "../twisted", ".")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(where: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def filesystem(directory: Path) -> str:
    """The type of the file system that holds `directory`, such as ext4."""
    best, kind = "", "unknown"
    at = str(directory.resolve())
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        mounted = left.split()[4]
        inside = at == mounted or at.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= len(best):
            best, kind = mounted, right.split()[0]
    return kind


def commit_seconds(directory: Path, times: int = 200) -> float:
    """Median time to append 4 KiB and have the disk confirm it: what every commit waits for."""
    block = b"x" * 4096
    taken = []
    with tempfile.TemporaryFile(dir=directory) as file:
        descriptor = file.fileno()
        for _ in range(times):
            began = time.perf_counter()
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)
