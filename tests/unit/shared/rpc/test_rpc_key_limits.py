"""A program's own key says what it is for, and nothing else."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import Unauthenticated
from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.key_set import KeyLimits, KeySetError, parse_key_set
from services.shared.rpc.signing import SigningKey, generate_signing_key, jwks_document, sign_token

LIMITS = KeyLimits(roles=frozenset({"clinician"}), lifetime_s_max=120)


def program_key() -> SigningKey:
    return replace(generate_signing_key(), limits=LIMITS)


async def verifier(folder: Path, *keys: SigningKey) -> TokenVerifier:
    path = folder / "jwks.json"
    path.write_bytes(jwks_document(*keys))
    found = TokenVerifier(TokenSettings(jwks=str(path)))
    await found.open()
    return found


def token(key: SigningKey, *roles: Role, lifetime_s: int = 60) -> str:
    actor = Actor(user="dr-li", name="Li", facility="jimsar", roles=roles)
    return sign_token(key, actor, issued_at=datetime.now(UTC), lifetime_s=lifetime_s)


async def test_a_limited_key_speaks_for_its_roles_and_not_for_long(tmp_path: Path) -> None:
    key = program_key()
    known = await verifier(tmp_path, key)
    assert (await known.verify(token(key, Role.CLINICIAN))).roles == (Role.CLINICIAN,)
    for refused in (
        token(key, Role.OPERATOR),
        token(key, Role.CLINICIAN, Role.SYSTEM),
        token(key, Role.CLINICIAN, lifetime_s=121),
    ):
        with pytest.raises(Unauthenticated) as caught:
            await known.verify(refused)
        assert caught.value.reason == "KEY_LIMIT"


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": None},
        {"iat": 0},
        {"roles": "clinician"},
        {"roles": ["clinician", "of another program"]},
        {"roles": [["clinician"]]},
        # Issued later than it ends: the span would be negative.
        {"iat": 4_000_000_000},
    ],
)
async def test_a_limited_keys_token_is_whole(tmp_path: Path, changes: dict[str, object]) -> None:
    key = program_key()
    claims = jwt.decode(token(key, Role.CLINICIAN), options={"verify_signature": False}) | changes
    bent = jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        key.private_key,
        algorithm="EdDSA",
        headers={"kid": key.kid},
    )
    with pytest.raises(Unauthenticated):
        await (await verifier(tmp_path, key)).verify(bent)


async def test_a_key_without_limits_is_an_identity_providers(tmp_path: Path) -> None:
    own, program = generate_signing_key(), program_key()
    known = await verifier(tmp_path, own, program)
    actor = await known.verify(token(own, Role.OPERATOR, lifetime_s=3600))
    assert actor.roles == (Role.OPERATOR,)


@pytest.mark.parametrize(
    "limits",
    [
        {"tierlink_roles": ["clinician"]},
        {"tierlink_lifetime_s_max": 60},
        {"tierlink_roles": [], "tierlink_lifetime_s_max": 60},
        {"tierlink_roles": "clinician", "tierlink_lifetime_s_max": 60},
        {"tierlink_roles": ["clinician"], "tierlink_lifetime_s_max": True},
        {"tierlink_roles": ["clinician"], "tierlink_lifetime_s_max": 0},
    ],
)
def test_limits_that_cannot_be_read_are_not_none(limits: dict[str, object]) -> None:
    jwk = {**generate_signing_key().public_jwk(), **limits}
    with pytest.raises(KeySetError, match="limits"):
        parse_key_set(json.dumps({"keys": [jwk]}).encode())
