"""A signed checkpoint: what the heads of all chains of one service were at a moment.

A chain shows what was altered within it; that its end, or all of it, was taken away only shows against what
is kept elsewhere. A checkpoint is that: one root over all heads, with an Ed25519 signature (RFC 8032).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.shared.audit.back_dating import is_back_dated
from services.shared.audit.merkle import leaf_hash, merkle_root

_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where one aggregate's chain stood."""

    aggregate_id: str
    version: int
    head_hash: bytes

    def leaf(self) -> bytes:
        """Its leaf of the tree; lengths are written, so that no two heads have the same bytes."""
        name = self.aggregate_id.encode()
        written = len(name).to_bytes(4, "big") + name + self.version.to_bytes(8, "big") + self.head_hash
        return leaf_hash(written)


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What is signed."""

    #: referral, bed or notification
    service: str
    #: 1 for the service's first, without gaps
    number: int
    made_by: str
    occurred_at: datetime
    made_at: datetime
    #: aggregates
    tree_size: int
    root: bytes
    #: of the one before it; empty for the first
    previous_root: bytes

    def signed_bytes(self) -> bytes:
        """One line each, in this order: anybody can write them again."""
        lines = (
            "tierlink-checkpoint-v1",
            self.service,
            str(self.number),
            self.made_by.replace("\n", " "),
            self.occurred_at.astimezone(UTC).strftime(_MOMENT),
            self.made_at.astimezone(UTC).strftime(_MOMENT),
            str(self.tree_size),
            self.root.hex(),
            self.previous_root.hex(),
        )
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A statement with its signature and the public half of the key."""

    statement: Statement
    public_key: bytes
    signature: bytes

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether the statement is as the holder of that key signed it."""
        try:
            key = Ed25519PublicKey.from_public_bytes(public_key)
            key.verify(self.signature, self.statement.signed_bytes())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What the store has today of a head that a checkpoint knows."""

    aggregate_id: str
    #: 0 when the aggregate's row is gone
    head_version: int
    #: at the head's version; empty when that event is gone
    hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedVersion:
    """The last version of an aggregate that says it was recorded before a moment."""

    aggregate_id: str
    version: int
    recorded_at: datetime


class CheckpointFindingCode(StrEnum):
    #: signature, key, root or number of heads is not what was signed
    FORGED_CHECKPOINT = "FORGED_CHECKPOINT"
    #: the aggregate is not there any more
    AGGREGATE_MISSING = "AGGREGATE_MISSING"
    #: the aggregate is at an earlier version than it was
    ROLLED_BACK = "ROLLED_BACK"
    #: events that were there are not, though the aggregate's row knows of them
    CHAIN_CUT = "CHAIN_CUT"
    #: another event is where the chain's head was
    HISTORY_REWRITTEN = "HISTORY_REWRITTEN"
    #: an event that came later says it was recorded before the checkpoint was made
    BACK_DATED = "BACK_DATED"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointFinding:
    """One thing that a checkpoint contradicts."""

    #: empty for the checkpoint itself
    aggregate_id: str
    version: int
    code: CheckpointFindingCode
    description: str


def in_order(heads: Iterable[Head]) -> list[Head]:
    """The tree's order: by the bytes of the name, whatever a database sorts by."""
    return sorted(heads, key=lambda head: head.aggregate_id.encode())


def root_of(heads: Sequence[Head]) -> bytes:
    """The root over heads that are in order."""
    return merkle_root([head.leaf() for head in heads])


def forgeries(
    checkpoint: Checkpoint, heads: Sequence[Head], trusted_key: bytes
) -> Iterator[CheckpointFinding]:
    """What shows that a checkpoint, or the heads beside it, are not what the holder of the key signed."""
    statement = checkpoint.statement
    found: list[str] = []
    if checkpoint.public_key != trusted_key:
        found.append("it was signed with another key")
    elif not checkpoint.is_signed_by(trusted_key):
        found.append("the signature is not of this statement")
    if len(heads) != statement.tree_size or root_of(in_order(heads)) != statement.root:
        found.append("the heads are not those that were signed")
    for description in found:
        yield CheckpointFinding(
            aggregate_id="",
            version=0,
            code=CheckpointFindingCode.FORGED_CHECKPOINT,
            description=f"{statement.service} {statement.number}: {description}",
        )


def contradictions(heads: Iterable[Head], links: Iterable[Link]) -> Iterator[CheckpointFinding]:
    """What a store has lost or altered since; `links` are those of the heads, in any order."""
    present = {link.aggregate_id: link for link in links}
    for head in heads:
        verdict = _verdict(head, present.get(head.aggregate_id))
        if verdict is not None:
            code, description = verdict
            yield CheckpointFinding(
                aggregate_id=head.aggregate_id, version=head.version, code=code, description=description
            )


def back_dated(
    statement: Statement, heads: Iterable[Head], recorded: Iterable[RecordedVersion]
) -> Iterator[CheckpointFinding]:
    """What a checkpoint does not have and would have, were its moment true; `recorded` in any order."""
    known = {head.aggregate_id: head.version for head in heads}
    for each in recorded:
        is_new = each.version > known.get(each.aggregate_id, 0)
        if is_new and is_back_dated(each.recorded_at, statement.made_at):
            early = statement.made_at - each.recorded_at
            yield CheckpointFinding(
                aggregate_id=each.aggregate_id,
                version=each.version,
                code=CheckpointFindingCode.BACK_DATED,
                description=f"it says it was recorded {early} before the checkpoint, which does not have it",
            )


def _verdict(head: Head, link: Link | None) -> tuple[CheckpointFindingCode, str] | None:
    if link is None or not link.head_version:
        return CheckpointFindingCode.AGGREGATE_MISSING, f"it was there at version {head.version}"
    if link.head_version < head.version:
        return (
            CheckpointFindingCode.ROLLED_BACK,
            f"it is at version {link.head_version}, it was at {head.version}",
        )
    if not link.hash:
        return CheckpointFindingCode.CHAIN_CUT, "the event that was its head is not there"
    if link.hash != head.head_hash:
        return CheckpointFindingCode.HISTORY_REWRITTEN, "another event is where its head was"
    return None
