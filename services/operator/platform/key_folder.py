"""The platform's own keys, made once and kept."""

import base64
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from services.shared.kernel.actor import Role
from services.shared.rpc.key_set import KeyLimits
from services.shared.rpc.signing import (
    JWKS_FILE,
    PRIVATE_KEY_FILE,
    KeyFiles,
    SigningKey,
    generate_signing_key,
    jwks_document,
    read_signing_key,
    write_key_files,
    write_private_key,
)

#: What the board seals its cookies with: 32 bytes in base64.
BOARD_KEY_FILE = "board_session.key"
_BOARD_KEY_BYTES = 32


#: What the codes of answer links are made with, likewise.
ANSWER_KEY_FILE = "answer_links.key"

#: Keys of programs, and what they may say: the board that it is a board, the notification service, for a
#: minute, that somebody is the clinician whom a link was sent to.
BOARD_SIGNING_KEY_FILE = "board_signing_key.pem"
ANSWER_SIGNING_KEY_FILE = "answer_signing_key.pem"
_LIMITS = {
    BOARD_SIGNING_KEY_FILE: KeyLimits(roles=frozenset({Role.BOARD.value}), lifetime_s_max=120),
    ANSWER_SIGNING_KEY_FILE: KeyLimits(roles=frozenset({Role.CLINICIAN.value}), lifetime_s_max=120),
}


#: What checkpoints of the audit trail are signed with; its tokens are nobody's.
CHECKPOINT_KEY_FILE = "checkpoint_key.pem"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerKeys:
    """Where the keys of answer links are."""

    links: Path
    #: of the notification service
    signing: Path
    #: of the board
    board: Path


def answer_keys(folder: Path) -> AnswerKeys:
    """Those that `ensure_keys` made. Raises OSError."""
    return AnswerKeys(
        links=_ensure_secret(folder / ANSWER_KEY_FILE),
        signing=folder / ANSWER_SIGNING_KEY_FILE,
        board=folder / BOARD_SIGNING_KEY_FILE,
    )


def ensure_checkpoint_key(folder: Path) -> Path:
    """The file of the checkpoints' key, made when there is none. Raises OSError."""
    path = folder / CHECKPOINT_KEY_FILE
    if not path.exists():
        write_private_key(generate_signing_key(), path)
    return path


def ensure_board_key(folder: Path) -> Path:
    """The file of the board's key, made when there is none. Raises OSError."""
    return _ensure_secret(folder / BOARD_KEY_FILE)


def _ensure_secret(path: Path) -> Path:
    """A file of 32 bytes in base64."""
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
    if files.private_key.exists():
        key = read_signing_key(files.private_key)
    else:
        key = generate_signing_key()
        write_key_files(key, folder)
    programs = [_ensure_program_key(folder / name, limits) for name, limits in _LIMITS.items()]
    # The public half follows from the private one: written again, it cannot be stale or half written.
    files.jwks.write_bytes(jwks_document(key, *programs))
    return key, files


def _ensure_program_key(path: Path, limits: KeyLimits) -> SigningKey:
    """A program's key, made when there is none. Raises SigningKeyError, OSError."""
    if path.exists():
        key = read_signing_key(path)
    else:
        key = generate_signing_key()
        write_private_key(key, path)
    return replace(key, limits=limits)
