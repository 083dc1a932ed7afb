"""Who calls: an actor from a signed token, verified once and then remembered for a while."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jwt

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import Unauthenticated
from services.shared.rpc.key_set import KeyLimits, KeySource, VerificationKeys

TOKEN_LENGTH_MAX = 8192
_CLAIM_LENGTH_MAX = 200
_ROLES_MAX = 32
_ALGORITHMS = ("EdDSA", "RS256")
_ROLES = {role.value: role for role in Role}

#: Roles that act for one facility: a token with one of them and no facility could match records without any.
_ROLES_OF_A_FACILITY = frozenset({Role.CLINICIAN, Role.REFERRAL_OFFICE, Role.BED_DESK})

_REFUSALS: tuple[tuple[type[jwt.PyJWTError], str, str], ...] = (
    (jwt.InvalidAlgorithmError, "WRONG_ALGORITHM", "the token's algorithm is not that of its key"),
    (jwt.InvalidSignatureError, "WRONG_SIGNATURE", "the token's signature does not verify"),
    (jwt.MissingRequiredClaimError, "MISSING_CLAIM", "the token lacks a required claim"),
    (jwt.InvalidAudienceError, "WRONG_AUDIENCE", "the token is meant for another audience"),
    (jwt.PyJWTError, "MALFORMED_TOKEN", "the token is not a well-formed JWT"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenSettings:
    """Which tokens are honoured."""

    #: the JWKS document: a file's path, or an http(s) URL
    jwks: str
    #: required `aud`; empty when tokens carry none
    audience: str = ""
    #: how far the clocks of issuer and service may differ
    leeway_s: float = 5.0
    #: tokens remembered; the least recently used goes first
    remembered_tokens_max: int = 10_000
    #: a token is verified again after this long, so that a withdrawn key stops being honoured
    remembered_s_max: float = 300.0


class Authenticator(Protocol):
    """Turns a bearer token into an actor."""

    def remembered(self, token: str) -> Actor | None:
        """The actor of a token verified a short while ago, without waiting."""

    async def verify(self, token: str) -> Actor:
        """The actor of a token. Raises Unauthenticated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Remembered:
    actor: Actor
    #: seconds since 1970-01-01 UTC
    until: float


class TokenVerifier:
    """Verifies JWTs (EdDSA, RS256) against a JWKS document; `open` it before it is used.

    Verifying costs about 100 µs, and a caller sends the same token for minutes, so the actor is remembered
    under the token.
    """

    def __init__(
        self,
        settings: TokenSettings,
        *,
        key_source: KeySource | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives seconds since 1970-01-01 UTC, for claims; `clock` never goes back, for reloads."""
        self._settings = settings
        self._now = now
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        source = key_source or KeySource(location=settings.jwks)
        self._keys = VerificationKeys(source, clock=clock, on_change=self._remembered.clear)

    async def open(self) -> None:
        """Reads the keys. Raises KeySetError, saying what is wrong: a service without keys must not start."""
        await self._keys.load()

    async def close(self) -> None:
        await self._keys.close()

    def remembered(self, token: str) -> Actor | None:
        """The actor of a token that was verified and is still valid; None means: ask `verify`."""
        entry = self._remembered.get(token)
        if entry is None:
            return None
        if entry.until <= self._now():
            del self._remembered[token]
            return None
        self._remembered.move_to_end(token)
        return entry.actor

    async def verify(self, token: str) -> Actor:
        """The actor that a token names. Raises Unauthenticated with a stable reason; waits only for keys."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise Unauthenticated("MALFORMED_TOKEN", "the token is too long")
        claims = await self._verified_claims(token)
        expires_at = self._require_time(claims)
        actor = _actor(claims)
        until = min(expires_at + self._settings.leeway_s, self._now() + self._settings.remembered_s_max)
        self._remembered[token] = _Remembered(actor=actor, until=until)
        while len(self._remembered) > self._settings.remembered_tokens_max:
            self._remembered.popitem(last=False)
        return actor

    async def _verified_claims(self, token: str) -> dict[str, Any]:
        audience = self._settings.audience
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in _ALGORITHMS:
                raise Unauthenticated("WRONG_ALGORITHM", f"tokens are signed with {' or '.join(_ALGORITHMS)}")
            key = await self._keys.find(header.get("kid", ""))
            if key is None:
                raise Unauthenticated("UNKNOWN_KEY", "the token's key id is not in the key set")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public_key,
                # The key's type decides, never the token: a public key is no HMAC secret.
                algorithms=[key.algorithm],
                audience=audience or None,
                options={
                    "require": ["sub", "name", "facility", "roles", "exp"],
                    "verify_aud": bool(audience),
                    # Checked by _require_time, against the same clock that the memory of tokens uses.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            _check_limits(claims, key.limits)
            return claims
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            for kind, reason, message in _REFUSALS:
                if isinstance(error, kind):
                    raise Unauthenticated(reason, message) from error
            raise Unauthenticated("MALFORMED_TOKEN", "the token is not a well-formed JWT") from error

    def _require_time(self, claims: dict[str, Any]) -> float:
        now, leeway_s = self._now(), self._settings.leeway_s
        expires_at = _seconds(claims, "exp")
        if expires_at + leeway_s <= now:
            raise Unauthenticated("EXPIRED", "the token has expired")
        for claim in ("nbf", "iat"):
            if claim in claims and _seconds(claims, claim) - leeway_s > now:
                raise Unauthenticated("NOT_YET_VALID", f"the token is not valid yet ({claim})")
        return expires_at


def _check_limits(claims: dict[str, Any], limits: KeyLimits | None) -> None:
    """A key of a program speaks for its own roles alone, and not for long."""
    if limits is None:
        return
    listed = claims["roles"]
    # By name, known here or not: what this program does not know, another may.
    if not isinstance(listed, list) or not all(role in limits.roles for role in map(str, listed)):
        raise Unauthenticated("KEY_LIMIT", "the token's key may not speak for its roles")
    if "iat" not in claims or not (
        0 < _seconds(claims, "exp") - _seconds(claims, "iat") <= limits.lifetime_s_max
    ):
        raise Unauthenticated("KEY_LIMIT", "the token's key may not make tokens of that lifetime")


def _seconds(claims: dict[str, Any], claim: str) -> float:
    value = claims[claim]
    # NaN would compare as neither expired nor early, and so never expire.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthenticated("WRONG_CLAIM", f"{claim} is not a number of seconds")
    return float(value)


def _actor(claims: dict[str, Any]) -> Actor:
    user, name, facility = (_text(claims, claim) for claim in ("sub", "name", "facility"))
    if not user:
        raise Unauthenticated("WRONG_CLAIM", "sub is empty")
    listed = claims["roles"]
    if not isinstance(listed, list) or len(listed) > _ROLES_MAX:
        raise Unauthenticated("WRONG_CLAIM", f"roles is not a list of at most {_ROLES_MAX} names")
    # Another program's roles may be in the token; a role unknown here gives nothing here.
    roles = tuple(dict.fromkeys(_ROLES[role] for role in listed if isinstance(role, str) and role in _ROLES))
    if not roles:
        raise Unauthenticated("NO_KNOWN_ROLE", f"roles names none of {', '.join(_ROLES)}")
    if not facility and not _ROLES_OF_A_FACILITY.isdisjoint(roles):
        raise Unauthenticated("WRONG_CLAIM", "facility is empty, and a role of the token acts for a facility")
    return Actor(user=user, name=name, facility=facility, roles=roles)


def _text(claims: dict[str, Any], claim: str) -> str:
    value = claims[claim]
    if not isinstance(value, str) or len(value) > _CLAIM_LENGTH_MAX:
        raise Unauthenticated(
            "WRONG_CLAIM", f"{claim} is not a text of at most {_CLAIM_LENGTH_MAX} characters"
        )
    return value
