"""Where keys come from, and which are trusted for how long."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, BinaryIO

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.key_set import KeySetError, KeySource, parse_key_set
from services.shared.rpc.signing import (
    generate_signing_key,
    jwks_document,
    write_key_files,
)
from tests.unit.shared.rpc.token_probe import FakeClock, reason_of, signed


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
    (reading,) = [task for task in asyncio.all_tasks() if task.get_name() == "read signing keys"]
    await reading
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
def http_server(write: Callable[[BinaryIO], None]) -> Iterator[str]:
    """A URL at which `write` writes the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                write(self.wfile)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        finally:
            server.shutdown()
            thread.join()


async def test_keys_are_read_from_a_url() -> None:
    old, new = generate_signing_key(), generate_signing_key()
    documents = [jwks_document(old), jwks_document(old, new)]

    def write(body: BinaryIO) -> None:
        body.write(documents.pop(0))

    with http_server(write) as url:
        clock = FakeClock(100.0)
        verifier = TokenVerifier(TokenSettings(jwks=url), clock=clock)
        await verifier.open()
        assert await verifier.verify(signed(old))
        clock.now += 10
        assert await verifier.verify(signed(new))
    assert documents == []


async def test_a_document_that_trickles_is_given_up() -> None:
    given_up = threading.Event()

    def trickle(body: BinaryIO) -> None:
        while not given_up.wait(0.01):
            body.write(b" ")

    with http_server(trickle) as url:
        source = KeySource(location=url, fetch_timeout_s=0.1)
        verifier = TokenVerifier(TokenSettings(jwks=url), key_source=source)
        try:
            async with asyncio.timeout(20) as patience:
                with pytest.raises(KeySetError, match="cannot read the key set"):
                    await verifier.open()
            assert not patience.expired()
        finally:
            given_up.set()


async def test_a_document_without_an_end_is_read_to_its_bound() -> None:
    def pour(body: BinaryIO) -> None:
        while True:
            body.write(b" " * 65_536)

    with http_server(pour) as url:
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
