"""Certificates of every kind, made on the spot."""

from __future__ import annotations

import datetime
import functools
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@functools.cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """One key for each number: making them is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key, password: bytes | None = None, old: bool = False) -> str:
    """PKCS #8, or with `old` the form before it; encrypted with a password."""
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


@dataclass
class Certificate:
    certificate: x509.Certificate
    key: object
    chain: str = ""

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def content(self) -> str:
        """With the chain behind it."""
        return self.pem + self.chain

    @property
    def key_pem(self) -> str:
        return key_pem(self.key)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def make(
    *names: str, key=None, issuer: Certificate | None = None, common_name: str | None = None, days: int = 300,
    not_after: datetime.datetime | None = None, is_authority: bool = False, purposes: list | None = None,
    key_usage: x509.KeyUsage | None = None, organization: str = "Gatehouse Tests", serial: int | None = None,
) -> Certificate:
    """A certificate for DNS names or addresses, signed by `issuer` or by itself."""
    key = key or rsa_key()
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Berlin"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Mitte"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Edge"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name or (names[0] if names else "Test Authority"))])
    end = not_after or now + datetime.timedelta(days=days)
    builder = (
        x509.CertificateBuilder().subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject).public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(min(now, end) - datetime.timedelta(days=2)).not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True))
    if names:
        def general(name: str):
            try:
                return x509.IPAddress(ipaddress.ip_address(name))
            except ValueError:
                return x509.DNSName(name)
        builder = builder.add_extension(x509.SubjectAlternativeName([general(name) for name in names]), critical=False)
    if purposes is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if key_usage is not None:
        builder = builder.add_extension(key_usage, critical=True)
    signer = issuer.key if issuer else key
    made = Certificate(builder.sign(signer, hashes.SHA256()), key)
    if issuer:
        made.chain = issuer.content
    return made


def authority(name: str = "Test Authority", key=None, issuer: Certificate | None = None) -> Certificate:
    return make(common_name=name, key=key or rsa_key(90), is_authority=True, issuer=issuer)


def client(name: str, issuer: Certificate) -> Certificate:
    return make(common_name=name, key=rsa_key(91), issuer=issuer, purposes=[ExtendedKeyUsageOID.CLIENT_AUTH])


def usage(**bits: bool) -> x509.KeyUsage:
    every = dict.fromkeys((
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**{**every, **bits})
