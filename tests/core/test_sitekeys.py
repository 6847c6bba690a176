"""The keys that a site signs its own tokens with."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chatroom import certificate
from chatroom.sitekeys import from_file, from_jwk

SECRET = "0123456789abcdef" * 2
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def public(key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def jwk(key, **more: object) -> dict:
    algorithm = {RSA: "RS256", EC: "ES256", ED: "EdDSA"}.get(key) or more.pop("as_")
    return {
        **jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True),
        "kid": "one",
        **more,
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")])
def test_a_public_key_is_for_one_algorithm(file, key, algorithm):
    file.write_bytes(public(key))
    found = from_file(file)
    assert found.algorithm == algorithm
    assert found.key == key.public_key()


def test_a_certificate_will_do(file):
    pem = certificate.make(["localhost"], datetime.now(UTC))
    file.write_bytes(pem[pem.index(b"-----BEGIN CERTIFICATE") :])
    assert from_file(file).algorithm == "ES256"


@pytest.mark.parametrize("around", ["{}", "{}\n", "\r\n {} \r\n"])
def test_anything_else_is_a_secret_without_the_white_space_around_it(file, around):
    file.write_text(around.format(SECRET))
    assert from_file(file) == ("HS256", SECRET.encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has 0 characters; it needs 32: `openssl rand -hex 32` makes one"),
        (b"short\n", "has 5 characters; it needs 32"),
        (b" " * 40, "has 0 characters"),
        (b"\x00\xff" * 20, "is neither a PEM public key nor a secret in ASCII; `openssl rand"),
        (b"two lines of\nsome thirty-two characters", "is neither a PEM public key nor a secret in ASCII"),
        (private(RSA), "holds a private key, which is the site's alone; `openssl pkey -in KEY -pubout`"),
        (public(RSA) + private(RSA), "holds a private key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "holds a PEM that is no public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "holds a PEM that is no public"),
        (b"-----BEGIN NOTHING-----", "holds a PEM that is no public key"),
        (public(ec.generate_private_key(ec.SECP384R1())), "holds a key of a kind that is not taken; make an"),
        (public(ed448.Ed448PrivateKey.generate()), "holds a key of a kind that is not taken"),
        (public(rsa.generate_private_key(65537, 1024)), "holds a key of a kind that is not taken"),
        (json.dumps(jwk(ED)).encode(), "holds a key in a form that is not taken; write it as PEM"),
        (b"ssh-ed25519 " + b"A" * 68, "holds a key in a form that is not taken"),
    ],
    ids=lambda one: one[:40] if isinstance(one, str) else "",
)
def test_a_file_that_holds_no_key_is_explained(file, content, said):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        from_file(file)
    assert str(file) in str(error.value)


def test_a_file_that_is_not_there_is_explained(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        from_file(tmp_path / "none")
    with pytest.raises(ValueError, match="Is a directory"):
        from_file(tmp_path)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")])
def test_a_published_key_is_for_one_algorithm(key, algorithm):
    for more in ({}, {"use": "sig"}, {"alg": algorithm}, {"x5t": "what others need"}):
        found = from_jwk(jwk(key, **more))
        assert found is not None
        assert found.algorithm == algorithm
        assert found.key == key.public_key()


@pytest.mark.parametrize(
    "published",
    [
        {},
        {"kty": "oct", "k": "A" * 43},
        {"kty": "oct", "k": "A" * 43, "alg": "RS256"},
        {"kty": ["RSA"]},
        {"kty": "RSA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": 5, "e": None},
        jwk(RSA, use="enc"),
        jwk(RSA, alg="RSA-OAEP"),
        jwk(RSA, alg="HS256"),
        jwk(RSA, alg="RS512"),
        jwk(RSA, kty="EC"),
        jwk(EC, x="AAAA"),
        jwk(EC, crv="P-384"),
        jwk(ED, crv="X25519"),
        jwk(ED, x="AAAA"),
        jwk(ec.generate_private_key(ec.SECP384R1()), as_="ES384"),
        jwk(rsa.generate_private_key(65537, 1024), as_="RS256"),
        {**jwt.get_algorithm_by_name("EdDSA").to_jwk(ED, as_dict=True)},
    ],
)
def test_a_published_key_that_will_not_do_is_none(published):
    assert from_jwk(published) is None
