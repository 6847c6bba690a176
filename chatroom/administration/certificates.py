"""`chatroom cert`: a certificate for development."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from chatroom import certificate
from chatroom.terminal import Commands, Mistake, Options, file_named, remark


def add_to(commands: Commands) -> None:
    """Add the command."""
    cert = commands.add_parser(
        "cert",
        help="make a self-signed certificate for development",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Make a private key and a self-signed certificate (ECDSA P-256) in one PEM file, for:\n\n"
        "  twistd -n chatroom --endpoint ssl:9443:privateKey=FILE\n\n"
        "Browsers warn of it; for others than yourself, get one from a certificate authority.",
    )
    file = cert.add_argument("file", metavar="FILE", type=Path, help="the PEM to make; it must not exist yet")
    file_named(file)
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


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= (days := int(text)) <= 36500:
        raise argparse.ArgumentTypeError("a number of days from 1 to 36500")
    return days


def _cert(options: Options) -> None:
    names = list(dict.fromkeys([*options.host, *certificate.own_names()]))
    try:
        pem = certificate.make(names, datetime.now(UTC), options.days)
        certificate.write(options.file, pem)
    except FileExistsError:
        raise Mistake(f"{options.file} is there already; move it away, or name another file") from None
    except OSError as error:
        raise Mistake(f"{options.file} cannot be written: {error.strerror}") from None
    except ValueError as error:
        raise Mistake(f"--host: {error}") from None
    remark(f"{options.file}: good for {', '.join(names)}")
