"""The platform's own keys, made once and kept."""

import base64
import os
import secrets
from pathlib import Path

from services.shared.rpc.signing import (
    JWKS_FILE,
    PRIVATE_KEY_FILE,
    KeyFiles,
    SigningKey,
    generate_signing_key,
    jwks_document,
    read_signing_key,
    write_key_files,
)

#: What the board seals its cookies with: 32 bytes in base64.
BOARD_KEY_FILE = "board_session.key"
_BOARD_KEY_BYTES = 32


def ensure_board_key(folder: Path) -> Path:
    """The file of the board's key, made when there is none. Raises OSError."""
    path = folder / BOARD_KEY_FILE
    if not path.exists():
        half = path.with_suffix(".new")
        half.unlink(missing_ok=True)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_BOARD_KEY_BYTES)) + b"\n")
        half.rename(path)
    return path


def ensure_keys(folder: Path) -> tuple[SigningKey, KeyFiles]:
    """The key in the folder, made when there is none. Raises SigningKeyError for a damaged one, OSError."""
    files = KeyFiles(private_key=folder / PRIVATE_KEY_FILE, jwks=folder / JWKS_FILE)
    if not files.private_key.exists():
        key = generate_signing_key()
        return key, write_key_files(key, folder)
    key = read_signing_key(files.private_key)
    # The public half follows from the private one: written again, it cannot be stale or half written.
    files.jwks.write_bytes(jwks_document(key))
    return key, files
