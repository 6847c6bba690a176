"""The `chatroom` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chatroom import certificate
from chatroom.administration import bans, invitations, keys, rooms, users
from chatroom.administration.desk import Commands, Mistake, remark
from chatroom.domain.errors import ChatError
from chatroom.store.opening import Unusable


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 1 where it could not be done, 2 where it is none."""
    parser = argparse.ArgumentParser(
        prog="chatroom",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Tools for a chatroom server, also while it runs. The server itself is started with:\n\n"
        "  twistd -n chatroom",
    )
    commands: Commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for part in (users, keys, rooms, bans, invitations):
        part.add_to(commands)
    _add_cert(commands)
    options = parser.parse_args(argv)
    try:
        options.action(options)
        sys.stdout.flush()
    except (Mistake, Unusable) as error:
        return _fail(str(error))
    except ChatError as error:
        return _fail(error.message)
    except UnicodeEncodeError:
        return _fail("what was given is not text in UTF-8")
    except BrokenPipeError:
        # Whoever read it has read enough; nothing is to be flushed to them at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        remark("")
        return 130
    return 0


def _add_cert(commands: Commands) -> None:
    cert = commands.add_parser(
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


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= (days := int(text)) <= 36500:
        raise argparse.ArgumentTypeError("a number of days from 1 to 36500")
    return days


def _cert(options: argparse.Namespace) -> None:
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


def _fail(message: str) -> int:
    remark(f"chatroom: {message}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
