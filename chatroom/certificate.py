"""The PEM file behind `ssl:`: making one for development, and saying what is wrong with one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 397
"""How long a certificate is good for: browsers take none that is valid longer."""


class BadPem(Exception):
    """A PEM file that TLS cannot work with; the message says why and how to mend it."""


def make(names: Sequence[str], now: datetime, days: int = DAYS) -> bytes:
    """A new ECDSA P-256 key and a certificate for `names` that it signed itself, in one PEM.

    `names` are host names and addresses (RFC 5280, section 4.2.1.6); the first is the subject's.
    """
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
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
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


def check(key_path: Path, certificate_path: Path, now: datetime) -> None:
    """Whether the two files (or the one) hold a key and a certificate that belong together and are
    in date. Raises BadPem."""
    key_pem, certificate_pem = _read(key_path), _read(certificate_path)
    mend = f"`chatroom cert {key_path}` makes a PEM with both, for development"
    if b"PRIVATE KEY-----" not in key_pem:
        raise BadPem(f"{key_path} holds no private key; put it in the same file, or {mend}")
    if b"-----BEGIN CERTIFICATE-----" not in certificate_pem:
        raise BadPem(
            f"{certificate_path} holds no certificate; append it to the file, name it with"
            f" certKey=FILE, or {mend}"
        )
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise BadPem(
            f"{key_path} is encrypted; `openssl pkey -in {key_path}` takes the password off"
        ) from None
    except ValueError as error:
        raise BadPem(f"{key_path} holds a private key that cannot be read ({error}); {mend}") from None
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise BadPem(
            f"{certificate_path} holds a certificate that cannot be read ({error}); {mend}"
        ) from None
    if key.public_key() != certificate.public_key():
        raise BadPem(f"the key in {key_path} is not the one of the certificate in {certificate_path}; {mend}")
    if certificate.not_valid_after_utc < now:
        raise BadPem(
            f"the certificate in {certificate_path} expired on"
            f" {certificate.not_valid_after_utc:%Y-%m-%d}; renew it, or move it away and {mend}"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BadPem(f"there is no file {path}; `chatroom cert {path}` makes one, for development") from None
    except OSError as error:
        raise BadPem(
            f"{path} cannot be read ({error.strerror}); give it to the user that runs chatroom"
        ) from None


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode())
