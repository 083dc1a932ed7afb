"""The file that an operator keeps elsewhere: for each service a signed line, and the heads that it signs."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from services.shared.audit.checkpoint import Checkpoint, Head, Statement

_FORMAT = "tierlink-checkpoint-1"
_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


class CheckpointFileError(Exception):
    """A file is no checkpoint, or no public key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedHeads:
    """One service's checkpoint with the heads that it is about."""

    checkpoint: Checkpoint
    heads: tuple[Head, ...]


def write_checkpoints(path: Path, made: Iterable[SignedHeads]) -> None:
    """Writes them as JSON lines. Raises FileExistsError rather than replace one, OSError."""
    with path.open("x", encoding="utf-8") as file:
        for each in made:
            header = {"format": _FORMAT, **checkpoint_fields(each.checkpoint)}
            file.write(f"{json.dumps(header, ensure_ascii=False)}\n")
            for head in each.heads:
                line = {
                    "aggregate": head.aggregate_id,
                    "version": head.version,
                    "hash": head.head_hash.hex(),
                }
                file.write(f"{json.dumps(line, ensure_ascii=False)}\n")
        file.flush()
        os.fsync(file.fileno())


def read_checkpoints(path: Path) -> tuple[SignedHeads, ...]:
    """What is written there; nothing is verified yet. Raises CheckpointFileError, OSError."""
    found: list[tuple[Checkpoint, list[Head]]] = []
    try:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            try:
                fields = json.loads(line)
                if "format" in fields:
                    found.append((_checkpoint(fields), []))
                else:
                    found[-1][1].append(_head(fields))
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise CheckpointFileError(f"{path}:{number}: {error!r}") from error
    except UnicodeDecodeError as error:
        raise CheckpointFileError(f"{path}: {error}") from error
    if not found:
        raise CheckpointFileError(f"{path}: empty")
    return tuple(SignedHeads(checkpoint=each, heads=tuple(heads)) for each, heads in found)


def read_public_key(path: Path) -> bytes:
    """The 32 bytes of an Ed25519 public key in a PEM file. Raises CheckpointFileError, OSError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except ValueError as error:
        raise CheckpointFileError(f"{path}: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise CheckpointFileError(f"{path}: not an Ed25519 public key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def checkpoint_fields(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint in what JSON has: hashes as hexadecimal, moments as they were signed."""
    statement = checkpoint.statement
    return {
        "service": statement.service,
        "number": statement.number,
        "made_by": statement.made_by,
        "occurred_at": _moment(statement.occurred_at),
        "made_at": _moment(statement.made_at),
        "tree_size": statement.tree_size,
        "root": statement.root.hex(),
        "previous_root": statement.previous_root.hex(),
        "public_key": checkpoint.public_key.hex(),
        "signature": checkpoint.signature.hex(),
    }


def _checkpoint(fields: dict[str, Any]) -> Checkpoint:
    if fields["format"] != _FORMAT:
        raise ValueError(f"format {fields['format']}")
    return Checkpoint(
        statement=Statement(
            service=str(fields["service"]),
            number=int(fields["number"]),
            made_by=str(fields["made_by"]),
            occurred_at=_read_moment(fields["occurred_at"]),
            made_at=_read_moment(fields["made_at"]),
            tree_size=int(fields["tree_size"]),
            root=bytes.fromhex(fields["root"]),
            previous_root=bytes.fromhex(fields["previous_root"]),
        ),
        public_key=bytes.fromhex(fields["public_key"]),
        signature=bytes.fromhex(fields["signature"]),
    )


def _head(fields: dict[str, Any]) -> Head:
    version = int(fields["version"])
    if not 0 < version < 2**63 or not fields["aggregate"]:
        raise ValueError(f"{fields['aggregate']!r} at version {version}")
    return Head(
        aggregate_id=str(fields["aggregate"]), version=version, head_hash=bytes.fromhex(fields["hash"])
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_MOMENT)


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment
