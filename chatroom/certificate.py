"""The PEM file behind `ssl:`: making one for development, and saying what is wrong with one."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import gethostname

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 397
"""How long a certificate is good for: browsers take none that is valid longer."""


_MEND = "`chatroom cert FILE` makes a new PEM with both, for development"

# RFC 1123, section 2.1, and the underscores that machines are given all the same.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*\.?")


class BadPem(Exception):
    """A PEM file that TLS cannot work with; the message says why and how to mend it."""


def own_names() -> list[str]:
    """What this machine is reached by, from itself and from the local network."""
    host = gethostname()
    return ["localhost", *([host] if _ascii(host) else []), "127.0.0.1", "::1"]


def make(names: Sequence[str], now: datetime, days: int = DAYS) -> bytes:
    """A new ECDSA P-256 key and a certificate for `names` that it signed itself, in one PEM.

    `names` are host names and addresses (RFC 5280, section 4.2.1.6); the first is the subject's.
    Raises ValueError, with the sentence to show, for one that is neither.
    """
    alternatives = [_name(name) for name in names]
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def write(path: Path, pem: bytes) -> None:
    """Write a new file that only its owner may read. Raises FileExistsError, OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)


def write_own(path: Path, *names: str) -> Path:
    """Make one for `names`, valid from now on, and write it; the path again. Raises as `make` and `write`."""
    write(path, make(names, datetime.now(UTC)))
    return path


def check(key_path: Path, certificate_path: Path, now: datetime) -> None:
    """Whether the two files (or the one) hold a key and a certificate that belong together, are in
    date, and are to OpenSSL's taste. Raises BadPem."""
    key, certificate = _key(key_path), _certificate(certificate_path)
    if key.public_key() != certificate.public_key():
        raise BadPem(
            f"the key in {key_path} is not the one of the certificate in {certificate_path}; {_MEND}"
        )
    if certificate.not_valid_after_utc < now:
        raise BadPem(
            f"the certificate in {certificate_path} expired on"
            f" {certificate.not_valid_after_utc:%Y-%m-%d}; renew it, or: {_MEND}"
        )
    if certificate.not_valid_before_utc > now:
        raise BadPem(
            f"the certificate in {certificate_path} is good only from"
            f" {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on; is this machine's clock right?"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate_path, key_path)
    except ssl.SSLError as error:
        reason = error.reason.replace("_", " ").lower() if error.reason else "no reason given"
        raise BadPem(f"OpenSSL does not take {certificate_path}: {reason}; {_MEND}") from None


def _key(path: Path) -> PrivateKeyTypes:
    pem = _read(path)
    if b"PRIVATE KEY-----" not in pem:
        raise BadPem(f"{path} holds no private key; put it in the same file, or {_MEND}")
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise BadPem(f"{path} is encrypted; `openssl pkey -in {path}` takes the password off") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadPem(f"{path} holds a private key that cannot be read; {_MEND}") from None


def _certificate(path: Path) -> x509.Certificate:
    pem = _read(path)
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise BadPem(
            f"{path} holds no certificate; append it to the file, name it with certKey=FILE, or {_MEND}"
        )
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise BadPem(f"{path} holds a certificate that cannot be read; {_MEND}") from None
    return certificate


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadPem(f"there is no file {path}; `chatroom cert {path}` makes one, for development") from None
    except PermissionError:
        raise BadPem(f"{path} cannot be read; give it to the user that runs chatroom") from None
    except OSError as error:
        raise BadPem(f"{path} cannot be read: {error.strerror}") from None


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    ascii_name = _ascii(name)
    if not ascii_name:
        raise ValueError(f"{name!r} is neither a host name nor an address")
    return x509.DNSName(ascii_name)


def _ascii(name: str) -> str:
    """A host name as the DNS spells it; empty where it is none."""
    try:
        ascii_name = name.encode("idna").decode()
    except UnicodeError:
        return ""
    return ascii_name if len(ascii_name) <= 253 and _HOST.fullmatch(ascii_name) else ""
