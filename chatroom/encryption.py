"""What the `ssl:` endpoint's OpenSSL context is told beyond what Twisted tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509


def settle(endpoint: Any, certificate: Path, *, chained: bool) -> None:
    """Settle the context of an `ssl:` endpoint; one that does not show its context is left as it is.

    A peer that goes without TLS's goodbye, as most do, is no error: HTTP and WebSocket know
    themselves whether a message is whole, and the error's traceback kept each such connection in
    memory. Certificates that follow the server's own in its file, as in a `fullchain.pem`, are sent
    along; Twisted sends only the first. Not so where the endpoint names a chain itself (`chained`).
    """
    factory = getattr(endpoint, "_sslContextFactory", None)
    if factory is None:
        return
    context = factory.getContext()
    context.set_options(SSL.OP_IGNORE_UNEXPECTED_EOF)
    if not chained:
        for issuer in x509.load_pem_x509_certificates(certificate.read_bytes())[1:]:
            context.add_extra_chain_cert(X509.from_cryptography(issuer))
