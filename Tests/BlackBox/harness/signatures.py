"""SDK-HMAC-SHA256 and its relatives, written from the description of the algorithm alone.

The tests compare the product with this code, so it shares nothing with it, nor with the vendor's SDK.
Canonical request: method, path, query, headers, names of the signed headers, hash of the body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timezone
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "SDK-HMAC-SHA256"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_SKEW_SECONDS = 15 * 60


def encode(data: bytes | str) -> str:
    """Percent-encoding with the unreserved characters of RFC 3986 left alone."""
    return quote(data, safe="-_.~")


def canonical_path(path: str) -> str:
    joined = "/".join(encode(piece) for piece in unquote_to_bytes(path).split(b"/"))
    return joined if joined.endswith("/") else joined + "/"


def canonical_query(query: str) -> str:
    pairs = []
    for item in query.split("&"):
        if item:
            name, _, value = item.partition("=")
            # `+` is a blank, as every web framework that a verifying backend is built on reads it.
            pairs.append((unquote_to_bytes(name.replace("+", " ")), unquote_to_bytes(value.replace("+", " "))))
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(pairs))


def string_to_sign(
    method: str, target: str, headers: list[tuple[str, str]], signed: list[str], payload: str, date: str,
) -> str:
    """The same text for all algorithms: its first line always names SDK-HMAC-SHA256."""
    path, _, query = target.partition("?")
    values: dict[str, str] = {}
    for name, value in headers:
        # A repeated header has no canonical form of its own: the first one counts.
        values.setdefault(name.lower(), value.strip(" \t"))
    block = "".join(f"{name}:{values[name]}\n" for name in signed)
    canonical = "\n".join([
        method.upper(), canonical_path(path), canonical_query(query), block, ";".join(signed), payload])
    return "\n".join([ALGORITHM, date, hashlib.sha256(canonical.encode("utf-8")).hexdigest()])


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def sign(
    key: str, secret: str, method: str, target: str, headers: list[tuple[str, str]], body: bytes,
    date: str | None = None, signed: list[str] | None = None, payload: str | None = None,
) -> list[tuple[str, str]]:
    """The headers plus `X-Sdk-Date` and `Authorization`. All given headers are signed unless `signed` says which."""
    date = date or now()
    headers = [*headers, ("X-Sdk-Date", date)]
    names = signed if signed is not None else sorted({name.lower() for name, _ in headers if "_" not in name})
    digest = payload if payload is not None else hashlib.sha256(body).hexdigest()
    text = string_to_sign(method, target, headers, names, digest, date)
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    authorization = f"{ALGORITHM} Access={key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return [*headers, ("Authorization", authorization)]


class Refused(Exception):
    """Why a request does not carry the signature that was asked for."""


AUTHORIZATION = re.compile(
    r"^(SDK-[A-Z0-9-]+)\s+Access=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([A-Za-z0-9+/=]+)$")


def _parts(request, header: str, algorithm: str) -> tuple[str, str, str]:
    """(key, signature, string to sign) of a request as the backend received it."""
    found = request.all(header)
    if len(found) != 1:
        raise Refused(f"{len(found)} {header} headers")
    match = AUTHORIZATION.match(found[0])
    if not match or match.group(1) != algorithm:
        raise Refused(f"{header} is {found[0]!r}")
    key, signed, signature = match.group(2), match.group(3).split(";"), match.group(4)
    if signed != sorted(signed) or signed != [name.lower() for name in signed]:
        raise Refused(f"signed headers not sorted in lower case: {signed}")
    for needed in ("host", "x-sdk-date"):
        if needed not in signed:
            raise Refused(f"{needed} is not signed")
    for name in signed:
        if len(request.all(name)) != 1:
            raise Refused(f"{len(request.all(name))} {name} headers, and it is signed")
    date = request.one("x-sdk-date")
    try:
        moment = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refused(f"date {date!r}") from None
    if abs((datetime.now(timezone.utc) - moment).total_seconds()) > MAX_SKEW_SECONDS:
        raise Refused(f"date {date} is too far away")
    declared = request.all("x-sdk-content-sha256")
    payload = hashlib.sha256(request.body).hexdigest()
    if declared:
        if declared[0] != UNSIGNED and declared[0] != payload:
            raise Refused("the declared hash is not that of the body")
        payload = declared[0]
    text = string_to_sign(request.method, request.target, request.headers, signed, payload, date)
    return key, signature, text


def verify_hmac(request, secrets: dict[str, str], header: str = "authorization") -> str:
    """Returns the access key whose signature the request carries; raises `Refused` otherwise."""
    key, signature, text = _parts(request, header, ALGORITHM)
    if key not in secrets:
        raise Refused(f"unknown key {key}")
    if not hmac.compare_digest(hmac.new(secrets[key].encode(), text.encode(), hashlib.sha256).hexdigest(), signature):
        raise Refused(f"wrong signature over:\n{text}")
    return key


def verify_basic(request, secrets: dict[str, str], header: str = "authorization") -> str:
    found = request.all(header)
    if len(found) != 1 or not found[0].startswith("Basic "):
        raise Refused(f"{header} is {found}")
    user, _, password = base64.b64decode(found[0][6:], validate=True).decode().partition(":")
    if secrets.get(user) != password:
        raise Refused(f"wrong password for {user}")
    return user


def verify_aes(request, keys: dict[str, tuple[str, str]], header: str = "authorization") -> str:
    """`keys`: name of the signature key -> (key, initialisation vector). The product's own convention
    (`SDK-AES-CFB`): the signature is the string to sign, encrypted with AES-CFB128."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    try:
        from cryptography.hazmat.decrepit.ciphers.modes import CFB
    except ImportError:
        from cryptography.hazmat.primitives.ciphers.modes import CFB

    key, signature, text = _parts(request, header, "SDK-AES-CFB")
    if key not in keys:
        raise Refused(f"unknown key {key}")
    secret, vector = keys[key]
    decryptor = Cipher(algorithms.AES(secret.encode()), CFB(vector.encode())).decryptor()
    plain = decryptor.update(base64.b64decode(signature, validate=True)) + decryptor.finalize()
    if plain != text.encode():
        raise Refused(f"decrypts to {plain!r}, expected {text!r}")
    return key


def verify_rsa(request, public_keys: dict[str, bytes], header: str = "authorization") -> str:
    """`public_keys`: name of the signature key -> PEM. The product's own convention (`SDK-RSA-SHA256`)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    key, signature, text = _parts(request, header, "SDK-RSA-SHA256")
    if key not in public_keys:
        raise Refused(f"unknown key {key}")
    try:
        serialization.load_pem_public_key(public_keys[key]).verify(
            base64.b64decode(signature, validate=True), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise Refused(f"wrong signature over:\n{text}") from None
    return key
