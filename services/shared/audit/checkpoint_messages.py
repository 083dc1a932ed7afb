"""Checkpoints as messages, and back."""

from datetime import UTC

from services.shared.audit.checkpoint import Checkpoint, Head, Link, RecordedVersion, Statement
from tierlink.audit.v1 import audit_service_pb2 as pb


def checkpoint_message(checkpoint: Checkpoint) -> pb.Checkpoint:
    """A checkpoint for the wire."""
    statement = checkpoint.statement
    message = pb.Checkpoint(
        number=statement.number,
        service=statement.service,
        made_by=statement.made_by,
        tree_size=statement.tree_size,
        root=statement.root,
        previous_root=statement.previous_root,
        public_key=checkpoint.public_key,
        signature=checkpoint.signature,
    )
    message.occurred_at.FromDatetime(statement.occurred_at.astimezone(UTC))
    message.made_at.FromDatetime(statement.made_at.astimezone(UTC))
    return message


def checkpoint_of(message: pb.Checkpoint) -> Checkpoint:
    """A checkpoint from the wire; nothing is verified yet."""
    return Checkpoint(
        statement=Statement(
            service=message.service,
            number=message.number,
            made_by=message.made_by,
            occurred_at=message.occurred_at.ToDatetime(tzinfo=UTC),
            made_at=message.made_at.ToDatetime(tzinfo=UTC),
            tree_size=message.tree_size,
            root=message.root,
            previous_root=message.previous_root,
        ),
        public_key=message.public_key,
        signature=message.signature,
    )


def head_message(head: Head) -> pb.AggregateHead:
    """A head for the wire."""
    return pb.AggregateHead(aggregate_id=head.aggregate_id, version=head.version, head_hash=head.head_hash)


def head_of(message: pb.AggregateHead) -> Head:
    """A head from the wire."""
    return Head(aggregate_id=message.aggregate_id, version=message.version, head_hash=message.head_hash)


def link_message(link: Link) -> pb.ChainLink:
    """A link for the wire."""
    return pb.ChainLink(aggregate_id=link.aggregate_id, head_version=link.head_version, hash=link.hash)


def link_of(message: pb.ChainLink) -> Link:
    """A link from the wire."""
    return Link(aggregate_id=message.aggregate_id, head_version=message.head_version, hash=message.hash)


def recorded_message(recorded: RecordedVersion) -> pb.RecordedVersion:
    """What a version says of its moment, for the wire."""
    message = pb.RecordedVersion(aggregate_id=recorded.aggregate_id, version=recorded.version)
    message.recorded_at.FromDatetime(recorded.recorded_at.astimezone(UTC))
    return message


def recorded_of(message: pb.RecordedVersion) -> RecordedVersion:
    """The same from the wire."""
    return RecordedVersion(
        aggregate_id=message.aggregate_id,
        version=message.version,
        recorded_at=message.recorded_at.ToDatetime(tzinfo=UTC),
    )
