"""Keys and tokens that Tierlink makes itself."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.shared.rpc.signing import (
    SigningKeyError,
    generate_signing_key,
    read_signing_key,
    sign_token,
    signing_key_of,
    write_key_files,
)
from tests.unit.shared.rpc.token_probe import ACTOR


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
