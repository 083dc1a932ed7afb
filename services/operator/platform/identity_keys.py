"""The platform's own keys for personal data, made once and kept beside the signing key."""

import os
from base64 import b64encode
from pathlib import Path

IDENTITY_KEYS_FILE = "identity_keys.txt"
CONTACT_KEYS_FILE = "contact_keys.txt"
_KEY_SIZE_BYTES = 32


def ensure_identity_keys(folder: Path) -> Path:
    """The file of keys of patients' identities, as `_ensure_keys` makes it. Raises OSError."""
    return _ensure_keys(folder / IDENTITY_KEYS_FILE)


def ensure_contact_keys(folder: Path) -> Path:
    """The file of keys of people's contact points, as `_ensure_keys` makes it. Raises OSError."""
    return _ensure_keys(folder / CONTACT_KEYS_FILE)


def _ensure_keys(path: Path) -> Path:
    """The file of keys, made when there is none (mode 0600).

    A file that is there is left alone: what its keys encrypted can be read with them alone.
    """
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # The mode is given at creation: a chmod afterwards would leave a moment in which others may read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"own {b64encode(os.urandom(_KEY_SIZE_BYTES)).decode()}\n")
    return path
