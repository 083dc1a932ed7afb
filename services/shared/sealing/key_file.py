"""Files of keys: one a line, `<id> <32 bytes in base64>`; the first seals, the others still open.

Lines that begin with # are comments. No message ever quotes a line: it may hold a key.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from pathlib import Path

from services.shared.sealing.keyed_cipher import SealingKey

_KEYS_MAX = 32


class SealingKeysInvalid(ValueError):
    """A file of keys cannot be used. The message names the file and line, never a key."""


def read_sealing_keys(path: Path) -> tuple[SealingKey, ...]:
    """The keys of a file. Raises SealingKeysInvalid for one that cannot be read or has anything else."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SealingKeysInvalid(f"{path}: cannot be read ({type(error).__name__})") from None
    keys: list[SealingKey] = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            keys.append(_key(line, f"{path}, line {number}"))
    if len(keys) > _KEYS_MAX:
        raise SealingKeysInvalid(f"{path}: more than {_KEYS_MAX} keys")
    if not keys:
        raise SealingKeysInvalid(f"{path}: no key is given")
    if len({key.key_id for key in keys}) != len(keys):
        raise SealingKeysInvalid(f"{path}: a key id stands twice")
    return tuple(keys)


def _key(line: str, where: str) -> SealingKey:
    try:
        key_id, encoded = line.split()
        return SealingKey(key_id, b64decode(encoded, validate=True))
    except Base64Error:
        raise SealingKeysInvalid(f"{where}: the key is not base64") from None
    except ValueError as error:
        what = str(error) if str(error).startswith(("must have", "needs")) else "must be an id and a key"
        raise SealingKeysInvalid(f"{where}: {what}") from None
