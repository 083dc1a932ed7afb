"""Keys and tokens that Tierlink makes itself: for `tierlink token`, the demo and tests.

A site with an identity provider needs none of this; its provider signs.
"""

import json
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.shared.kernel.actor import Actor
from services.shared.rpc.key_set import LIFETIME_MEMBER, ROLES_MEMBER, KeyLimits

PRIVATE_KEY_FILE = "signing_key.pem"
JWKS_FILE = "jwks.json"


class SigningKeyError(Exception):
    """A private key file cannot be read, or is not an Ed25519 key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """An Ed25519 key pair with its id: the RFC 7638 thumbprint, so it follows from the key alone."""

    kid: str
    private_key: Ed25519PrivateKey
    #: what its tokens may say; None for anything
    limits: KeyLimits | None = None

    def public_jwk(self) -> dict[str, object]:
        """The public half as a member of a JWKS document."""
        return {
            **_public_members(self.private_key),
            "kid": self.kid,
            "use": "sig",
            "alg": "EdDSA",
            **_limit_members(self.limits),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyFiles:
    """Where `write_key_files` put the two halves."""

    private_key: Path
    jwks: Path


def generate_signing_key() -> SigningKey:
    """A new key pair, drawn from the operating system's randomness."""
    return signing_key_of(Ed25519PrivateKey.generate())


def jwks_document(*keys: SigningKey) -> bytes:
    """The public halves of `keys` as a JWKS document; several while one replaces another."""
    return json.dumps({"keys": [key.public_jwk() for key in keys]}, indent=2).encode() + b"\n"


def write_key_files(key: SigningKey, folder: Path) -> KeyFiles:
    """Writes the private key (mode 0600) and the JWKS document into `folder`.

    Raises FileExistsError rather than replace a key that tokens in use may be signed with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = KeyFiles(private_key=folder / PRIVATE_KEY_FILE, jwks=folder / JWKS_FILE)
    write_private_key(key, files.private_key)
    files.jwks.write_bytes(jwks_document(key))
    return files


def write_private_key(key: SigningKey, path: Path) -> None:
    """Writes a private key (mode 0600). Raises FileExistsError rather than replace one."""
    pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # The mode is given at creation: a chmod afterwards would leave a moment in which others may read it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def read_signing_key(path: Path) -> SigningKey:
    """The key in a PEM file. Raises SigningKeyError."""
    try:
        private_key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SigningKeyError(f"cannot read the private key {path}: {error}") from error
    if not isinstance(private_key, Ed25519PrivateKey):
        raise SigningKeyError(f"{path} is not an Ed25519 private key")
    return signing_key_of(private_key)


def sign_token(
    key: SigningKey, actor: Actor, *, issued_at: datetime, lifetime_s: int, audience: str = ""
) -> str:
    """A JWT that makes its bearer `actor` from `issued_at` (UTC) for `lifetime_s` seconds.

    Raises ValueError when `issued_at` has no time zone or `lifetime_s` is not positive.
    """
    if issued_at.tzinfo is None:
        raise ValueError("issued_at has no time zone")
    if lifetime_s <= 0:
        raise ValueError(f"lifetime_s is {lifetime_s}, not positive")
    issued_s = int(issued_at.timestamp())
    claims = {
        "sub": actor.user,
        "name": actor.name,
        "facility": actor.facility,
        "roles": [role.value for role in actor.roles],
        "iat": issued_s,
        "exp": issued_s + lifetime_s,
        **({"aud": audience} if audience else {}),
    }
    return jwt.encode(claims, key.private_key, algorithm="EdDSA", headers={"kid": key.kid})


def signing_key_of(private_key: Ed25519PrivateKey) -> SigningKey:
    """The key with its id. Both halves of a pair have the same one."""
    canonical = json.dumps(_public_members(private_key), sort_keys=True, separators=(",", ":"))
    return SigningKey(kid=_base64url(sha256(canonical.encode()).digest()), private_key=private_key)


def _limit_members(limits: KeyLimits | None) -> dict[str, object]:
    if limits is None:
        return {}
    return {ROLES_MEMBER: sorted(limits.roles), LIFETIME_MEMBER: limits.lifetime_s_max}


def _public_members(private_key: Ed25519PrivateKey) -> dict[str, str]:
    raw = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
