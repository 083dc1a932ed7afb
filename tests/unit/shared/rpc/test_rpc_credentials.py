"""Tokens: what is honoured, and each way in which one is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from services.shared.kernel.actor import Role
from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.signing import (
    SigningKey,
    generate_signing_key,
    sign_token,
    write_key_files,
)
from tests.unit.shared.rpc.token_probe import ACTOR, FakeClock, claims, reason_of, signed


def handmade(header: dict[str, Any], body: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = f"{part(json.dumps(header).encode())}.{part(json.dumps(body).encode())}"
    return f"{head}.{part(sign(head.encode()))}"


async def test_a_signed_token_gives_its_actor(verifier: TokenVerifier, signing_key: SigningKey) -> None:
    token = sign_token(signing_key, ACTOR, issued_at=datetime.now(UTC), lifetime_s=60)
    assert verifier.remembered(token) is None
    assert await verifier.verify(token) == ACTOR
    assert verifier.remembered(token) == ACTOR


async def test_rs256_is_honoured_with_an_rsa_key(tmp_path: Path) -> None:
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(RSAAlgorithm.to_jwk(private_key.public_key()))
    document = tmp_path / "jwks.json"
    document.write_text(json.dumps({"keys": [{**jwk, "kid": "r1"}]}))
    verifier = TokenVerifier(TokenSettings(jwks=str(document)))
    await verifier.open()
    token = jwt.encode(claims(), private_key, algorithm="RS256", headers={"kid": "r1"})
    assert (await verifier.verify(token)).user == "u-7"
    # The key's type decides: the same key does not verify another RSA algorithm.
    for algorithm in ("RS512", "PS256"):
        other = jwt.encode(claims(), private_key, algorithm=algorithm, headers={"kid": "r1"})
        assert await reason_of(verifier, other) == "WRONG_ALGORITHM"
    # Nor does an honest-looking header change the algorithm of the key.
    posing = handmade({"alg": "EdDSA", "kid": "r1"}, claims(), lambda _: b"\0" * 64)
    assert await reason_of(verifier, posing) == "WRONG_ALGORITHM"


async def test_a_token_without_a_signature_is_refused(
    verifier: TokenVerifier, signing_key: SigningKey
) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        token = handmade({"alg": algorithm, "kid": signing_key.kid}, claims(), lambda _: b"")
        assert await reason_of(verifier, token) in ("WRONG_ALGORITHM", "MALFORMED_TOKEN")


async def test_the_public_key_is_no_hmac_secret(verifier: TokenVerifier, signing_key: SigningKey) -> None:
    public_key = signing_key.private_key.public_key()
    for secret in (
        public_key.public_bytes(Encoding.Raw, PublicFormat.Raw),
        public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ):
        token = handmade(
            {"alg": "HS256", "kid": signing_key.kid, "typ": "JWT"},
            claims(),
            lambda head, secret=secret: hmac.new(secret, head, hashlib.sha256).digest(),
        )
        assert await reason_of(verifier, token) == "WRONG_ALGORITHM"


async def test_a_tampered_token_is_refused(verifier: TokenVerifier, signing_key: SigningKey) -> None:
    head, _, signature = signed(signing_key).split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims(roles=["operator"])).encode()).rstrip(b"=").decode()
    assert await reason_of(verifier, f"{head}.{forged}.{signature}") == "WRONG_SIGNATURE"


async def test_another_key_under_the_same_id_is_refused(
    verifier: TokenVerifier, signing_key: SigningKey
) -> None:
    stranger = generate_signing_key().private_key
    token = jwt.encode(claims(), stranger, algorithm="EdDSA", headers={"kid": signing_key.kid})
    assert await reason_of(verifier, token) == "WRONG_SIGNATURE"


async def test_an_unknown_key_id_is_refused(verifier: TokenVerifier, signing_key: SigningKey) -> None:
    assert await reason_of(verifier, signed(generate_signing_key())) == "UNKNOWN_KEY"
    without_id = jwt.encode(claims(), signing_key.private_key, algorithm="EdDSA")
    assert await reason_of(verifier, without_id) == "UNKNOWN_KEY"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        *(({claim: ...}, "MISSING_CLAIM") for claim in ("sub", "name", "facility", "roles", "exp")),
        ({"exp": 1_000_000_000}, "EXPIRED"),
        ({"exp": float("nan")}, "WRONG_CLAIM"),
        ({"exp": float("inf")}, "WRONG_CLAIM"),
        ({"exp": "9999999999"}, "WRONG_CLAIM"),
        ({"exp": True}, "WRONG_CLAIM"),
        ({"nbf": 9_999_999_999}, "NOT_YET_VALID"),
        ({"iat": 9_999_999_999}, "NOT_YET_VALID"),
        ({"roles": ["chief_wizard"]}, "NO_KNOWN_ROLE"),
        ({"roles": []}, "NO_KNOWN_ROLE"),
        ({"roles": [7, None, {}]}, "NO_KNOWN_ROLE"),
        ({"roles": "clinician"}, "WRONG_CLAIM"),
        ({"roles": ["clinician"] * 33}, "WRONG_CLAIM"),
        ({"sub": ""}, "WRONG_CLAIM"),
        ({"name": 5}, "WRONG_CLAIM"),
        ({"name": "x" * 201}, "WRONG_CLAIM"),
        ({"facility": ["fac-9"]}, "WRONG_CLAIM"),
        ({"facility": ""}, "WRONG_CLAIM"),
    ],
)
async def test_claims_are_checked(
    verifier: TokenVerifier, signing_key: SigningKey, changes: dict[str, Any], reason: str
) -> None:
    assert await reason_of(verifier, signed(signing_key, **changes)) == reason


async def test_unknown_roles_are_left_out(verifier: TokenVerifier, signing_key: SigningKey) -> None:
    token = signed(signing_key, roles=["wizard", "operator", "operator", "coordinator"], facility="")
    actor = await verifier.verify(token)
    assert actor.roles == (Role.OPERATOR, Role.COORDINATOR)
    assert actor.facility == ""


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "....", "é.é.é", "x" * 10_000, "eyJhbGciOiJFZERTQSJ9..", '{"a":' + "[" * 3000],
)
async def test_rubbish_is_refused_not_crashed_on(verifier: TokenVerifier, token: str) -> None:
    assert await reason_of(verifier, token) in ("MALFORMED_TOKEN", "UNKNOWN_KEY", "WRONG_ALGORITHM")


async def test_a_deeply_nested_header_is_refused(verifier: TokenVerifier) -> None:
    header = b'{"alg":"EdDSA","x":' + b"[" * 4000
    token = base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.AAAA"
    assert await reason_of(verifier, token) == "MALFORMED_TOKEN"


async def test_the_audience_is_asked_for_where_configured(tmp_path: Path) -> None:
    key = generate_signing_key()
    files = write_key_files(key, tmp_path)
    verifier = TokenVerifier(TokenSettings(jwks=str(files.jwks), audience="tierlink"))
    await verifier.open()
    assert await reason_of(verifier, signed(key)) in ("WRONG_AUDIENCE", "MISSING_CLAIM")
    assert await reason_of(verifier, signed(key, aud="other")) == "WRONG_AUDIENCE"
    assert (await verifier.verify(signed(key, aud=["other", "tierlink"]))).user == "u-7"
    now = datetime.now(UTC)
    assert await verifier.verify(sign_token(key, ACTOR, issued_at=now, lifetime_s=9, audience="tierlink"))


async def test_a_remembered_token_expires_on_time(tmp_path: Path) -> None:
    key = generate_signing_key()
    now = FakeClock(1_800_000_000.0)
    settings = TokenSettings(jwks=str(write_key_files(key, tmp_path).jwks), leeway_s=5, remembered_s_max=300)
    verifier = TokenVerifier(settings, now=now)
    await verifier.open()
    token = signed(key, exp=1_800_000_060)
    await verifier.verify(token)
    now.now = 1_800_000_064.9
    assert verifier.remembered(token) is not None
    now.now = 1_800_000_065.0
    assert verifier.remembered(token) is None
    assert await reason_of(verifier, token) == "EXPIRED"


async def test_a_token_is_verified_again_after_a_while(tmp_path: Path) -> None:
    key = generate_signing_key()
    now = FakeClock(1_800_000_000.0)
    settings = TokenSettings(jwks=str(write_key_files(key, tmp_path).jwks), remembered_s_max=300)
    verifier = TokenVerifier(settings, now=now)
    await verifier.open()
    token = signed(key, exp=1_900_000_000)
    await verifier.verify(token)
    now.now += 300
    assert verifier.remembered(token) is None
    assert await verifier.verify(token)


async def test_the_memory_of_tokens_is_bounded_and_keeps_the_used(tmp_path: Path) -> None:
    key = generate_signing_key()
    settings = TokenSettings(jwks=str(write_key_files(key, tmp_path).jwks), remembered_tokens_max=2)
    verifier = TokenVerifier(settings)
    await verifier.open()
    first, second, third = (signed(key, sub=f"u-{n}") for n in range(3))
    await verifier.verify(first)
    await verifier.verify(second)
    assert verifier.remembered(first)
    await verifier.verify(third)
    assert verifier.remembered(second) is None
    assert verifier.remembered(first) and verifier.remembered(third)
