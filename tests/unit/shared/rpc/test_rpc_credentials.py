"""Tokens: what is honoured, and each way in which one is refused."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import Unauthenticated
from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.key_set import KeySetError, KeySource, parse_key_set
from services.shared.rpc.signing import (
    SigningKey,
    SigningKeyError,
    generate_signing_key,
    jwks_document,
    read_signing_key,
    sign_token,
    signing_key_of,
    write_key_files,
)

ACTOR = Actor(user="u-7", name="包医生", facility="fac-9", roles=(Role.CLINICIAN, Role.COORDINATOR))


class FakeClock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def claims(**changes: Any) -> dict[str, Any]:
    base = {
        "sub": "u-7",
        "name": "包医生",
        "facility": "fac-9",
        "roles": ["clinician"],
        "exp": int(time.time()) + 600,
    }
    merged = {**base, **changes}
    return {claim: value for claim, value in merged.items() if value is not ...}


def signed(key: SigningKey, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key.private_key, algorithm="EdDSA", headers={"kid": key.kid})


def handmade(header: dict[str, Any], body: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = f"{part(json.dumps(header).encode())}.{part(json.dumps(body).encode())}"
    return f"{head}.{part(sign(head.encode()))}"


async def reason_of(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token)
    assert verifier.remembered(token) is None
    return refused.value.reason


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


async def test_a_new_key_is_found_and_reads_are_rate_limited(tmp_path: Path) -> None:
    old, new = generate_signing_key(), generate_signing_key()
    document = write_key_files(old, tmp_path).jwks
    clock = FakeClock(100.0)
    source = KeySource(location=str(document), age_s_max=300, reload_interval_s_min=10)
    verifier = TokenVerifier(TokenSettings(jwks=str(document)), key_source=source, clock=clock)
    await verifier.open()
    document.write_bytes(jwks_document(old, new))
    assert await reason_of(verifier, signed(new)) == "UNKNOWN_KEY"  # read a moment ago: not read again
    clock.now += 10
    assert await verifier.verify(signed(new))
    assert await verifier.verify(signed(old))


async def test_callers_of_an_unknown_key_share_one_read(tmp_path: Path) -> None:
    old, new = generate_signing_key(), generate_signing_key()
    document = write_key_files(old, tmp_path).jwks
    clock = FakeClock(100.0)
    verifier = TokenVerifier(TokenSettings(jwks=str(document)), clock=clock)
    await verifier.open()
    document.write_bytes(jwks_document(new))
    clock.now += 10
    tokens = [signed(new, sub=f"u-{n}") for n in range(20)]
    actors = await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert [actor.user for actor in actors] == [f"u-{n}" for n in range(20)]


async def test_a_withdrawn_key_is_not_honoured_any_more(tmp_path: Path) -> None:
    old, new = generate_signing_key(), generate_signing_key()
    document = write_key_files(old, tmp_path).jwks
    clock = FakeClock(100.0)
    verifier = TokenVerifier(TokenSettings(jwks=str(document)), clock=clock)
    await verifier.open()
    token = signed(old)
    await verifier.verify(token)
    document.write_bytes(jwks_document(new))
    clock.now += 300
    # The keys are old now: whoever verifies next has them read again, without waiting for it.
    await verifier.verify(signed(old, sub="another"))
    await verifier.verify(signed(new))  # an unknown key waits for that read
    assert verifier.remembered(token) is None
    assert await reason_of(verifier, token) == "UNKNOWN_KEY"


async def test_an_unreadable_key_set_keeps_the_keys_in_force(tmp_path: Path) -> None:
    key = generate_signing_key()
    document = write_key_files(key, tmp_path).jwks
    clock = FakeClock(100.0)
    verifier = TokenVerifier(TokenSettings(jwks=str(document)), clock=clock)
    await verifier.open()
    document.write_text("{")
    clock.now += 1000
    assert await reason_of(verifier, signed(generate_signing_key())) == "UNKNOWN_KEY"
    assert await verifier.verify(signed(key))


@contextmanager
def http_jwks(document: Callable[[], bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        server.shutdown()
        thread.join()


async def test_keys_are_read_from_a_url() -> None:
    old, new = generate_signing_key(), generate_signing_key()
    documents = [jwks_document(old), jwks_document(old, new)]
    with http_jwks(lambda: documents.pop(0)) as url:
        clock = FakeClock(100.0)
        verifier = TokenVerifier(TokenSettings(jwks=url), clock=clock)
        await verifier.open()
        assert await verifier.verify(signed(old))
        clock.now += 10
        assert await verifier.verify(signed(new))
    assert documents == []


async def test_a_giant_document_is_not_read_to_its_end() -> None:
    with http_jwks(lambda: b" " * 400_000) as url:
        verifier = TokenVerifier(TokenSettings(jwks=url))
        with pytest.raises(KeySetError, match="more than"):
            await verifier.open()


@pytest.mark.parametrize("location", ["/nowhere/jwks.json", "http://127.0.0.1:1/jwks.json", ""])
async def test_a_service_without_keys_does_not_start(location: str) -> None:
    verifier = TokenVerifier(TokenSettings(jwks=location))
    with pytest.raises(KeySetError, match="cannot read the key set"):
        await verifier.open()


def jwk(**members: Any) -> dict[str, Any]:
    return {**generate_signing_key().public_jwk(), **members}


def ec_jwk() -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key)), "kid": "ec"}


def weak_rsa_jwk() -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    return {**json.loads(RSAAlgorithm.to_jwk(key)), "kid": "weak"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "no Ed25519 or RSA key"),
        ([ec_jwk()], "no Ed25519 or RSA key"),
        ([jwk(use="enc")], "no Ed25519 or RSA key"),
        ([jwk(alg="HS256")], "no Ed25519 or RSA key"),
        ([jwk(crv="X25519")], "no Ed25519 or RSA key"),
        ([jwk(d="c2VjcmV0")], "public keys only"),
        ([{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}], "public keys only"),
        ([jwk(kid="same"), jwk(kid="same")], "two keys"),
        ([jwk(x="AAAA")], "damaged"),
        ([jwk(x=7)], "damaged"),
        ([weak_rsa_jwk()], "1024 bits"),
        (["text"], "not a JSON object"),
        ([jwk(kid=f"k{n}") for n in range(65)], "at most 64"),
        ({"a": 1}, "at most 64"),
    ],
)
def test_key_sets_that_must_not_be_trusted(keys: Any, message: str) -> None:
    with pytest.raises(KeySetError, match=message):
        parse_key_set(json.dumps({"keys": keys}).encode())


@pytest.mark.parametrize("document", [b"", b"[]", b"null", b"{}", b"\xff", b"7"])
def test_documents_that_are_no_key_set(document: bytes) -> None:
    with pytest.raises(KeySetError):
        parse_key_set(document)


def test_usable_keys_are_kept_beside_others() -> None:
    good = jwk()
    assert set(parse_key_set(json.dumps({"keys": [ec_jwk(), good]}).encode())) == {good["kid"]}


def test_key_files_are_private_and_never_replaced(tmp_path: Path) -> None:
    key = generate_signing_key()
    files = write_key_files(key, tmp_path / "keys")
    assert files.private_key.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in files.jwks.read_bytes()
    assert '"d"' not in files.jwks.read_text()
    assert read_signing_key(files.private_key).kid == key.kid
    before = files.private_key.read_bytes()
    with pytest.raises(FileExistsError):
        write_key_files(generate_signing_key(), tmp_path / "keys")
    assert files.private_key.read_bytes() == before


def test_the_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    # The example of RFC 8037, appendix A.1 and A.3.
    private = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    assert signing_key_of(Ed25519PrivateKey.from_private_bytes(private)).kid == (
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    )


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_a_wrong_private_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(SigningKeyError, match=r"key\.pem"):
        read_signing_key(path)
    with pytest.raises(SigningKeyError):
        read_signing_key(tmp_path / "missing.pem")


def test_signing_refuses_what_it_cannot_mean() -> None:
    key = generate_signing_key()
    with pytest.raises(ValueError, match="time zone"):
        sign_token(key, ACTOR, issued_at=datetime(2026, 1, 1), lifetime_s=5)  # noqa: DTZ001
    with pytest.raises(ValueError, match="positive"):
        sign_token(key, ACTOR, issued_at=datetime.now(UTC), lifetime_s=0)
