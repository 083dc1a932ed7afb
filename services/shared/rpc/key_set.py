"""The public keys that tokens are verified with, read from a JWKS document (RFC 7517)."""

import asyncio
import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

DOCUMENT_BYTES_MAX = 256 * 1024
KEYS_MAX = 64
RSA_BITS_MIN = 2048

#: (kty, crv) of the keys that are used, and the only algorithm of each
_ALGORITHM_OF: dict[tuple[object, object], str] = {("OKP", "Ed25519"): "EdDSA", ("RSA", None): "RS256"}

_log = structlog.get_logger(__name__)


#: Members of a JWK that bound what its tokens may say. RFC 7517, 4: who does not know them ignores them.
ROLES_MEMBER = "tierlink_roles"
LIFETIME_MEMBER = "tierlink_lifetime_s_max"


class KeySetError(Exception):
    """The JWKS document cannot be read, or has no key that a token may be verified with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyLimits:
    """What the tokens of a key may say: a program's own key must not be able to make an operator."""

    roles: frozenset[str]
    #: from `iat` to `exp`
    lifetime_s_max: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationKey:
    """One public key with the only algorithm that it may be used with."""

    #: empty for a key without an id; it verifies tokens without one
    kid: str
    algorithm: str
    public_key: Ed25519PublicKey | RSAPublicKey
    #: None for the key of an identity provider, which may say anything
    limits: KeyLimits | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySource:
    """Where the keys are and how often they are looked for."""

    #: a file's path, or an http(s) URL
    location: str
    #: keys older than this are read again, so that a withdrawn key stops being honoured
    age_s_max: float = 300.0
    #: at least this long between two reads, however many unknown key ids arrive
    reload_interval_s_min: float = 10.0
    fetch_timeout_s: float = 5.0


def parse_key_set(document: bytes) -> dict[str, VerificationKey]:
    """The usable keys of a JWKS document by key id: Ed25519 (EdDSA) and RSA (RS256), for signatures.

    Other keys are left out. Raises KeySetError when the document is not a JWKS, holds a private or symmetric
    key (a mistake to stop at: it may be public), has two keys of one id, or no usable key.
    """
    if len(document) > DOCUMENT_BYTES_MAX:
        raise KeySetError(f"the key set has more than {DOCUMENT_BYTES_MAX} bytes")
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError) as error:
        raise KeySetError('the key set is not a JSON object with "keys" (RFC 7517)') from error
    if not isinstance(entries, list) or len(entries) > KEYS_MAX:
        raise KeySetError(f'"keys" is not a list of at most {KEYS_MAX} keys')
    keys: dict[str, VerificationKey] = {}
    for entry in entries:
        key = _parse_key(entry)
        if key is None:
            continue
        if key.kid in keys:
            raise KeySetError(f"the key set has two keys with the id {key.kid!r}")
        keys[key.kid] = key
    if not keys:
        raise KeySetError("the key set has no Ed25519 or RSA key to verify signatures with")
    return keys


def _parse_key(entry: Any) -> VerificationKey | None:
    if not isinstance(entry, Mapping):
        raise KeySetError("a key of the key set is not a JSON object")
    kid = entry.get("kid", "")
    if "d" in entry or entry.get("kty") == "oct":
        raise KeySetError(f"key {kid!r} is secret: a key set holds public keys only. Replace that key")
    if not isinstance(kid, str) or entry.get("use", "sig") != "sig":
        return None
    algorithm = _ALGORITHM_OF.get((entry.get("kty"), entry.get("crv")))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        parsed = jwt.PyJWK(dict(entry), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise KeySetError(f"key {kid!r} of the key set is damaged") from error
    public_key = parsed.key
    if isinstance(public_key, RSAPublicKey) and public_key.key_size < RSA_BITS_MIN:
        raise KeySetError(f"key {kid!r} has {public_key.key_size} bits; RS256 needs {RSA_BITS_MIN}")
    if not isinstance(public_key, Ed25519PublicKey | RSAPublicKey):
        return None
    limits = _parse_limits(entry, kid)
    return VerificationKey(kid=kid, algorithm=algorithm, public_key=public_key, limits=limits)


def _parse_limits(entry: Mapping[str, Any], kid: str) -> KeyLimits | None:
    """A limit that cannot be read must not come to none."""
    if ROLES_MEMBER not in entry and LIFETIME_MEMBER not in entry:
        return None
    roles, lifetime_s = entry.get(ROLES_MEMBER), entry.get(LIFETIME_MEMBER)
    roles_fit = isinstance(roles, list) and bool(roles) and all(isinstance(role, str) for role in roles)
    lifetime_fits = (
        isinstance(lifetime_s, int | float) and not isinstance(lifetime_s, bool) and lifetime_s > 0
    )
    if not roles_fit or not lifetime_fits:
        raise KeySetError(f"key {kid!r} has limits that cannot be read ({ROLES_MEMBER}, {LIFETIME_MEMBER})")
    assert isinstance(roles, list)
    assert isinstance(lifetime_s, int | float)
    return KeyLimits(roles=frozenset(roles), lifetime_s_max=float(lifetime_s))


class VerificationKeys:
    """The keys in force. Found in memory; read again when they are old or an unknown id is asked for.

    A read that fails leaves the keys as they are and is logged: an identity provider that is down for an hour
    must not lock every clinician out.
    """

    def __init__(
        self, source: KeySource, *, clock: Callable[[], float], on_change: Callable[[], None]
    ) -> None:
        """`clock` gives seconds and never goes back. `on_change` is called after a read that changed keys."""
        self._source = source
        self._clock = clock
        self._on_change = on_change
        self._keys: dict[str, VerificationKey] = {}
        self._read_at = 0.0
        self._tried_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """The first read. Raises KeySetError: a service without keys must not start."""
        self._keys = parse_key_set(await self._fetch())
        self._read_at = self._tried_at = self._clock()

    async def find(self, kid: str) -> VerificationKey | None:
        """The key with this id, or None. Waits for a read only when the id is unknown."""
        key = self._keys.get(kid)
        now = self._clock()
        if key is not None and now - self._read_at < self._source.age_s_max:
            return key
        if self._reading is None and now - self._tried_at >= self._source.reload_interval_s_min:
            self._tried_at = now
            self._reading = asyncio.create_task(self._reload(), name="read signing keys")
        if key is None and self._reading is not None:
            # Shielded: this caller may give up, the others still wait for the same read.
            await asyncio.shield(self._reading)
            key = self._keys.get(kid)
        return key

    async def close(self) -> None:
        """Abandons a read in progress."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _fetch(self) -> bytes:
        # A socket's timeout bounds each read only; a server that trickles would hold everybody up.
        try:
            async with asyncio.timeout(2 * self._source.fetch_timeout_s):
                return await asyncio.to_thread(_read, self._source)
        except TimeoutError as error:
            raise KeySetError(
                f"cannot read the key set {self._source.location}: it takes too long"
            ) from error

    async def _reload(self) -> None:
        try:
            keys = parse_key_set(await self._fetch())
        except KeySetError as error:
            _log.warning("signing keys not read, the previous ones stay", error=str(error))
            return
        finally:
            self._reading = None
        changed = keys != self._keys
        self._keys = keys
        self._read_at = self._clock()
        if changed:
            _log.info("signing keys changed", key_ids=sorted(keys))
            self._on_change()


def _read(source: KeySource) -> bytes:
    """The document's bytes, one more than allowed at most. Blocks. Raises KeySetError."""
    try:
        if urlsplit(source.location).scheme in ("http", "https"):
            with urllib.request.urlopen(source.location, timeout=source.fetch_timeout_s) as response:
                document: bytes = response.read(DOCUMENT_BYTES_MAX + 1)
                return document
        with Path(source.location).open("rb") as file:
            return file.read(DOCUMENT_BYTES_MAX + 1)
    except (OSError, ValueError, HTTPException) as error:
        raise KeySetError(f"cannot read the key set {source.location}: {error}") from error
