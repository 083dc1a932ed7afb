"""Writes a part of the audit trail as a folder that verifies itself."""

import base64
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from services.operator.export.fhir import audit_event
from services.operator.verification.checkpoint_file import checkpoint_fields
from services.operator.verification.timeline_chains import EVENT_TYPES
from services.shared.audit.checkpoint import Checkpoint, Head
from tierlink.referral.v1 import timeline_pb2

#: What goes along as it is.
_ENCLOSED = ("README.md", "verify.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """That a chain's head was in a checkpoint."""

    head: Head
    index: int
    path: tuple[bytes, ...]


def write_export(
    folder: Path,
    entries: Sequence[timeline_pb2.TimelineEntry],
    checkpoint: Checkpoint,
    proofs: Iterable[Proof],
) -> None:
    """Writes all, or nothing of that name. Raises FileExistsError when the folder is there, OSError."""
    if folder.exists():
        raise FileExistsError(f"{folder} is there already")
    # Beside it until it is whole: what a full disk or a kill leaves is no export, and stands in nobody's way.
    partial = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}.part")
    partial.mkdir(parents=True)
    try:
        _write_into(partial, entries, checkpoint, proofs)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_into(
    folder: Path,
    entries: Sequence[timeline_pb2.TimelineEntry],
    checkpoint: Checkpoint,
    proofs: Iterable[Proof],
) -> None:
    ordered = sorted(entries, key=lambda entry: (entry.metadata.aggregate_id, entry.metadata.version))
    _write_lines(folder / "events.jsonl", map(_event, ordered))
    _write_lines(folder / "metadata.jsonl", map(_readable, ordered))
    _write_lines(folder / "audit_events.ndjson", map(audit_event, ordered))
    document = {
        **checkpoint_fields(checkpoint),
        "aggregates": sorted({entry.metadata.aggregate_id for entry in entries}),
        "proofs": [
            {
                "aggregate": proof.head.aggregate_id,
                "version": proof.head.version,
                "hash": proof.head.head_hash.hex(),
                "index": proof.index,
                "path": [each.hex() for each in proof.path],
            }
            for proof in proofs
        ],
    }
    (folder / "checkpoint.json").write_text(
        f"{json.dumps(document, ensure_ascii=False, indent=1)}\n", "utf-8"
    )
    for name in _ENCLOSED:
        (folder / name).write_bytes(files("services.operator.export").joinpath(name).read_bytes())


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def _event(entry: timeline_pb2.TimelineEntry) -> dict[str, Any]:
    return {
        "aggregate": entry.metadata.aggregate_id,
        "kind": entry.aggregate_kind,
        "version": entry.metadata.version,
        "payload": base64.b64encode(entry.payload).decode(),
        "previous_hash": entry.previous_hash.hex(),
        "hash": entry.hash.hex(),
    }


def _readable(entry: timeline_pb2.TimelineEntry) -> dict[str, Any]:
    metadata = entry.metadata
    return {
        "event_id": metadata.event_id,
        "aggregate": metadata.aggregate_id,
        "version": metadata.version,
        "type": metadata.type,
        "occurred_at": metadata.occurred_at.ToJsonString(),
        "occurred_at_ns": _nanoseconds(metadata.occurred_at),
        "recorded_at": metadata.recorded_at.ToJsonString(),
        "recorded_at_ns": _nanoseconds(metadata.recorded_at),
        "actor": metadata.actor.user,
        "actor_name": metadata.actor.name,
        "facility": metadata.actor.facility,
        "request_id": metadata.request_id,
        "text": {"zh": entry.text.zh, "en": entry.text.en},
        "details": _details(entry),
    }


def _nanoseconds(moment: Timestamp) -> int:
    return int(moment.seconds) * 10**9 + int(moment.nanos)


def _details(entry: timeline_pb2.TimelineEntry) -> dict[str, Any]:
    """The event itself in protobuf's JSON; empty where the bytes are none, which the program then says."""
    event_type = EVENT_TYPES.get(entry.aggregate_kind)
    if event_type is None:
        return {}
    try:
        decoded = MessageToDict(event_type.FromString(entry.payload), preserving_proto_field_name=True)
    except DecodeError:
        return {}
    return {name: value for name, value in decoded.items() if name != "metadata"}
