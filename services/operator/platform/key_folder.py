"""The platform's own signing key, made once and kept."""

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
