"""The `chatroom` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chatroom import certificate


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="chatroom",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Tools for a chatroom server. The server itself is started with:\n\n  twistd -n chatroom",
    )
    actions = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    cert = actions.add_parser(
        "cert",
        help="make a self-signed certificate for development",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Make a private key and a self-signed certificate (ECDSA P-256) in one PEM file, for:\n\n"
        "  twistd -n chatroom --endpoint ssl:9443:privateKey=FILE\n\n"
        "Browsers warn of it; for others than yourself, get one from a certificate authority.",
    )
    cert.add_argument("file", metavar="FILE", type=Path, help="the PEM to make; it must not exist yet")
    cert.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name or address that the server is reached by, besides localhost (repeatable)",
    )
    cert.add_argument(
        "--days", type=_days, default=certificate.DAYS, help="how long it is good for (%(default)s)"
    )
    cert.set_defaults(action=_cert)
    options = parser.parse_args(argv)
    return int(options.action(options))


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= (days := int(text)) <= 36500:
        raise argparse.ArgumentTypeError("a number of days from 1 to 36500")
    return days


def _cert(options: argparse.Namespace) -> int:
    names = list(dict.fromkeys([*options.host, *certificate.own_names()]))
    try:
        pem = certificate.make(names, datetime.now(UTC), options.days)
        certificate.write(options.file, pem)
    except FileExistsError:
        return _fail(f"{options.file} is there already; move it away, or name another file")
    except OSError as error:
        return _fail(f"{options.file} cannot be written: {error.strerror}")
    except ValueError as error:
        return _fail(f"--host: {error}")
    print(f"{options.file}: good for {', '.join(names)}", file=sys.stderr)  # noqa: T201
    return 0


def _fail(message: str) -> int:
    print(f"chatroom: {message}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
