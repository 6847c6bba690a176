"""What the `ssl:` endpoint's OpenSSL context is told beyond what Twisted tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL.crypto import X509


def send_chain(endpoint: Any, certificate: Path) -> None:
    """Send along the certificates that follow the server's own in its file.

    That is how a `fullchain.pem` comes; Twisted sends only the first. An endpoint that does not
    show its context is left as it is.
    """
    factory = getattr(endpoint, "_sslContextFactory", None)
    if factory is None:
        return
    context = factory.getContext()
    for issuer in x509.load_pem_x509_certificates(certificate.read_bytes())[1:]:
        context.add_extra_chain_cert(X509.from_cryptography(issuer))
