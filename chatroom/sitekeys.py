"""The keys that a site signs its own tokens with, from a file or a JSON Web Key (RFC 7517).

What a key is decides the one algorithm that it verifies. A token's header is never asked: else
whoever knows a public key could pass it off as the secret of HS256 (RFC 8725, section 3.1).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

SECRET_BYTES = 32
"""The shortest secret for HS256: as long as what it makes (RFC 7518, section 3.2)."""
RSA_BITS = 2048
"""The smallest RSA key (RFC 7518, section 3.3)."""

_MAKE = "`openssl rand -hex 32` makes one"
_PUBLIC = "`openssl pkey -in KEY -pubout` writes the public half"
_KINDS = "an RSA key of 2048 bits or more, an EC key on P-256 or an Ed25519 key"


class SigningKey(NamedTuple):
    """A key and the one algorithm that it is for: HS256, RS256, ES256 or EdDSA (RFC 7518, RFC 8037)."""

    algorithm: str
    key: bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class SiteKeys(Protocol):
    """Where keys are looked up."""

    async def key(self, kid: str | None) -> SigningKey | None:
        """The key of that id, or for a token that names none the only one. Raises Unavailable where
        nobody can tell just now."""


class OneKey:
    """The key in a file: it is the one, whatever a token calls it."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    async def key(self, kid: str | None) -> SigningKey | None:
        """That one."""
        return self._key


def from_file(path: Path) -> SigningKey:
    """The key in a file: a PEM public key or certificate, or else a secret of at least 32 characters
    for HS256, white space around it aside.

    Raises ValueError, with the sentence to show, where it is neither.
    """
    try:
        content = path.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    if b"PRIVATE KEY-----" in content:
        raise ValueError(
            f"{path} holds a private key, which is the site's alone; {_PUBLIC}, and that is for here"
        )
    if b"-----BEGIN " in content:
        return _from_pem(path, content)
    return _from_secret(path, content)


def _from_pem(path: Path, pem: bytes) -> SigningKey:
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            public: object = x509.load_pem_x509_certificate(pem).public_key()
        else:
            public = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{path} holds a PEM that is no public key; {_PUBLIC}") from None
    key = _of(public)
    if key is None:
        raise ValueError(f"{path} holds a key of a kind that is not taken; make {_KINDS}")
    return key


def _from_secret(path: Path, secret: bytes) -> SigningKey:
    if not (secret.isascii() and secret.decode().isprintable()):
        raise ValueError(f"{path} is neither a PEM public key nor a secret in ASCII; {_MAKE}")
    if len(secret) < SECRET_BYTES:
        raise ValueError(
            f"the secret in {path} has {len(secret)} characters; it needs {SECRET_BYTES}: {_MAKE}"
        )
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(secret)
    except jwt.InvalidKeyError:
        raise ValueError(f"{path} holds a key in a form that is not taken; write it as PEM") from None
    return SigningKey("HS256", secret)


def from_jwk(jwk: dict[str, Any]) -> SigningKey | None:
    """The public key in a JSON Web Key; None for one that is for something else, or that will not do.

    A secret (`oct`) will not, wherever it comes from: published, it is none.
    """
    kinds = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
    algorithm = kinds.get(str(jwk.get("kty")))
    if algorithm is None or jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    try:
        return _of(jwt.PyJWK(jwk, algorithm).key)
    except Exception:
        # A set may hold anything, and one bad key must not keep the others out.
        return None


def _of(public: object) -> SigningKey | None:
    if isinstance(public, RSAPublicKey) and public.key_size >= RSA_BITS:
        return SigningKey("RS256", public)
    if isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
        return SigningKey("ES256", public)
    if isinstance(public, Ed25519PublicKey):
        return SigningKey("EdDSA", public)
    return None
