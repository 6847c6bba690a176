"""Which certificates are believed: the system's authorities, or one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import service_identity
from OpenSSL import SSL
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from chatroom.client.address import Address

CONNECT_TIMEOUT = 15.0
"""Seconds until a connection that does not come about is given up."""

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@implementer(IOpenSSLClientConnectionCreator)
class _Anybody:
    """TLS with whoever is there."""

    def __init__(self, host: str) -> None:
        self._host = host.encode()
        self._context = CertificateOptions(verify=False).getContext()

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        connection.set_tlsext_host_name(self._host)
        return connection


def endpoint(
    reactor: Any, where: Address, *, ca: str | Path | None = None, insecure: bool = False
) -> IStreamClientEndpoint:
    """How to connect to a server; with TLS, its certificate is checked by service-identity
    (RFC 6125) against the system's authorities, or those in the PEM file `ca` alone.

    Raises ValueError where `ca` is no file with certificates.
    """
    plain = HostnameEndpoint(reactor, where.host, where.port, timeout=CONNECT_TIMEOUT)
    if not where.tls:
        return plain
    creator = _Anybody(where.host) if insecure else _verified(where.host, ca)
    wrapped: IStreamClientEndpoint = wrapClientTLS(creator, plain)
    return wrapped


def _verified(host: str, ca: str | Path | None) -> IOpenSSLClientConnectionCreator:
    roots = platformTrust() if ca is None else trustRootFromCertificates(_authorities(ca))
    return optionsForClientTLS(host, roots)


def _authorities(ca: str | Path) -> list[Certificate]:
    try:
        found = [Certificate.loadPEM(one) for one in _CERTIFICATE.findall(Path(ca).read_bytes())]
    except OSError as error:
        raise ValueError(f"{ca} cannot be read: {error.strerror}") from None
    except SSL.Error:
        raise ValueError(f"{ca} holds a certificate that is damaged") from None
    if not found:
        raise ValueError(f"{ca} holds no certificate (PEM)")
    return found


def distrust(problem: BaseException | None) -> str | None:
    """Why a certificate was not believed, as a sentence; None where that was not the problem."""
    if isinstance(problem, service_identity.VerificationError):
        return "its certificate is for another name"
    if isinstance(problem, SSL.Error) and problem.args and isinstance(problem.args[0], list):
        reasons = {str(reason[-1]) for reason in problem.args[0] if reason}
        if "certificate verify failed" in reasons:
            return "its certificate is not signed by an authority that is trusted here, or not valid now"
    return None


def speaks_no_tls(problem: BaseException | None) -> bool:
    """Whether what came was no TLS at all."""
    reasons = {"wrong version number", "record layer failure", "packet length too long"}
    return isinstance(problem, SSL.Error) and any(reason in str(problem) for reason in reasons)
