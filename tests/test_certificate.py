"""PEM files: the one that is made, and what is said of those that TLS cannot work with."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chatroom import certificate

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
MEND = "`chatroom cert FILE` makes a new PEM with both, for development"


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A good one."""
    path = tmp_path / "key.pem"
    path.write_bytes(certificate.make(["localhost"], NOW))
    return path


def problem(key: Path, cert: Path | None = None, now: datetime = NOW) -> str:
    """What `check` says is wrong."""
    with pytest.raises(certificate.BadPem) as bad:
        certificate.check(key, cert or key, now)
    assert "\n" not in str(bad.value)
    return str(bad.value)


def key_of(pem: bytes) -> bytes:
    return pem[: pem.index(b"-----BEGIN CERTIFICATE")]


def certificate_of(pem: bytes) -> bytes:
    return pem[pem.index(b"-----BEGIN CERTIFICATE") :]


def test_what_is_made_is_good_for_its_names_and_about_a_year(pem: Path) -> None:
    certificate.check(pem, pem, NOW)
    pem.write_bytes(certificate.make(["chat.example", "10.1.2.3", "::1", "*.example"], NOW))
    made = x509.load_pem_x509_certificate(pem.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["chat.example", "*.example"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3", "::1"]
    # Browsers take no certificate that is good for longer.
    assert made.not_valid_after_utc - NOW <= timedelta(days=398)
    assert made.not_valid_before_utc < NOW


def test_openssl_trusts_what_is_made_as_its_own_authority(pem: Path) -> None:
    context = ssl.create_default_context(cafile=str(pem))
    assert context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("name", ["bücher.example", "my_service", "a" * 63 + ".example"])
def test_names_that_machines_have_are_taken(name: str) -> None:
    certificate.make([name], NOW)


@pytest.mark.parametrize("name", ["", "two words", "a..b", "-", "x/y", "a" * 64, "*", "a.*.b", "1.2.3.4/8"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="neither a host name nor an address"):
        certificate.make(["localhost", name], NOW)


def test_this_machines_own_names_can_be_certified() -> None:
    assert certificate.own_names()[0] == "localhost"
    certificate.make(certificate.own_names(), NOW)


def test_what_is_written_only_its_owner_may_read(tmp_path: Path) -> None:
    path = tmp_path / "new.pem"
    certificate.write(path, b"secret")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        certificate.write(path, b"other")
    assert path.read_bytes() == b"secret"


def test_key_and_certificate_may_be_in_two_files_and_in_either_order(pem: Path, tmp_path: Path) -> None:
    whole = pem.read_bytes()
    key, cert, turned = tmp_path / "a.key", tmp_path / "a.crt", tmp_path / "turned.pem"
    key.write_bytes(key_of(whole))
    cert.write_bytes(certificate_of(whole))
    turned.write_bytes(certificate_of(whole) + key_of(whole))
    certificate.check(key, cert, NOW)
    certificate.check(turned, turned, NOW)


def test_parameters_before_the_key_do_no_harm(pem: Path) -> None:
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    pem.write_bytes(parameters + pem.read_bytes())
    certificate.check(pem, pem, NOW)


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.pem"
    assert problem(path) == f"there is no file {path}; `chatroom cert {path}` makes one, for development"


def test_a_folder(tmp_path: Path) -> None:
    assert problem(tmp_path) == f"{tmp_path} cannot be read: Is a directory"


def test_a_file_of_somebody_elses(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    # Not with a mode: root may read everything.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert problem(pem) == f"{pem} cannot be read; give it to the user that runs chatroom"


def test_no_key(pem: Path) -> None:
    pem.write_bytes(certificate_of(pem.read_bytes()))
    assert problem(pem) == f"{pem} holds no private key; put it in the same file, or {MEND}"


def test_no_certificate(pem: Path) -> None:
    pem.write_bytes(key_of(pem.read_bytes()))
    assert problem(pem) == (
        f"{pem} holds no certificate; append it to the file, name it with certKey=FILE, or {MEND}"
    )


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_an_encrypted_key(pem: Path, form: serialization.PrivateFormat) -> None:
    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"secret")
    )
    pem.write_bytes(locked + certificate_of(pem.read_bytes()))
    assert problem(pem) == f"{pem} is encrypted; `openssl pkey -in {pem}` takes the password off"


def test_garbage(pem: Path) -> None:
    whole = pem.read_bytes()
    pem.write_bytes(b"\x00\xff not a PEM")
    assert "holds no private key" in problem(pem)
    pem.write_bytes(b"-----BEGIN PRIVATE KEY-----\nbm8=\n-----END PRIVATE KEY-----\n" + certificate_of(whole))
    assert problem(pem) == f"{pem} holds a private key that cannot be read; {MEND}"
    no_certificate = b"-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"
    pem.write_bytes(key_of(whole) + no_certificate)
    assert problem(pem) == f"{pem} holds a certificate that cannot be read; {MEND}"
    pem.write_bytes(whole + no_certificate)
    assert problem(pem).startswith(f"OpenSSL does not take {pem}: ")


def test_a_key_of_another_certificate(pem: Path) -> None:
    other = certificate.make(["localhost"], NOW)
    pem.write_bytes(key_of(other) + certificate_of(pem.read_bytes()))
    assert problem(pem) == f"the key in {pem} is not the one of the certificate in {pem}; {MEND}"


def test_an_expired_certificate_and_one_that_is_not_good_yet(pem: Path) -> None:
    late = NOW + timedelta(days=certificate.DAYS + 1)
    assert problem(pem, now=late) == (f"the certificate in {pem} expired on 2031-02-03; renew it, or: {MEND}")
    assert "good only from 2030-01-02 02:59 UTC on" in problem(pem, now=NOW - timedelta(days=1))


def test_a_key_that_openssl_finds_too_small(pem: Path) -> None:
    small = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    signed = (
        x509.CertificateBuilder(name, name, small.public_key(), 1, NOW, NOW + timedelta(days=1))
        .sign(small, certificate.hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    key = small.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(key + signed)
    said = problem(pem)
    assert said.startswith(f"OpenSSL does not take {pem}: ")
    assert "key too small" in said
