"""The settings of TLS behind an `ssl:` endpoint, in one place."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


def server_context(
    key: Path, certificate: Path, chain: Path | None = None, parameters: Path | None = None
) -> ssl.SSLContext:
    """A server's TLS 1.2 and 1.3 with the key and the certificate in these PEM files.

    Certificates that follow the server's own in its file, as in a `fullchain.pem`, are sent along;
    where `chain` names a file, those in it are sent instead. `parameters` is a file with what
    Diffie and Hellman need where no elliptic curve is spoken. Raises OSError for a file that cannot
    be read, ValueError and ssl.SSLError (an OSError) for one that is not to OpenSSL's taste.

    A session is resumed from a ticket that the client keeps. Its key is this context's alone, and
    gone with it (docs/decisions/009).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Two is OpenSSL's default; here a page needs one, and one for its WebSocket.
    context.num_tickets = 1
    # So OpenSSL never has to hear from the client before it can write.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # All that are spoken are good: a telephone without AES in its hardware knows better.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if chain is None:
        context.load_cert_chain(certificate, key, _no_password)
    else:
        with NamedTemporaryFile() as joined:
            joined.write(_own(certificate) + chain.read_bytes())
            joined.flush()
            context.load_cert_chain(joined.name, key, _no_password)
    if parameters is not None:
        context.load_dh_params(str(parameters))
    return context


def _own(certificate: Path) -> bytes:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.PEM)


def _no_password() -> NoReturn:
    # Without this, OpenSSL would ask on the terminal.
    raise ValueError("the key is encrypted")
