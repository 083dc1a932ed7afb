"""Writes a part of the audit trail as a folder that verifies itself."""

import base64
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
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


class ExportFolder:
    """An export while it is written, trail after trail: no more of it is in memory than one of them."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        self._folder = folder
        self._lines = {
            name: (files.enter_context((folder / name).open("w", encoding="utf-8")), fields)
            for name, fields in _LINES.items()
        }
        #: the last version that was written, by aggregate
        self._last: dict[str, int] = {}
        self.events_count = 0
        self.is_sealed = False

    @property
    def aggregates(self) -> list[str]:
        """Those that have events in it, by name."""
        return sorted(self._last)

    def add(self, entries: Iterable[timeline_pb2.TimelineEntry]) -> None:
        """Writes those that follow on what was added before, of each aggregate in order."""
        ordered = sorted(entries, key=lambda entry: (entry.metadata.aggregate_id, entry.metadata.version))
        names = {entry.metadata.aggregate_id for entry in ordered}
        known = {name: self._last.get(name, 0) for name in names}
        for entry in ordered:
            name, version = entry.metadata.aggregate_id, entry.metadata.version
            if version <= known[name]:
                continue
            for file, fields in self._lines.values():
                file.write(f"{json.dumps(fields(entry), ensure_ascii=False)}\n")
            self._last[name] = version
            self.events_count += 1

    def seal(self, checkpoint: Checkpoint, proofs: Iterable[Proof]) -> None:
        """Adds what proves it, a kilobyte for each aggregate, and the program that verifies it."""
        document = {
            **checkpoint_fields(checkpoint),
            "aggregates": self.aggregates,
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
        (self._folder / "checkpoint.json").write_text(
            f"{json.dumps(document, ensure_ascii=False, indent=1)}\n", "utf-8"
        )
        for name in _ENCLOSED:
            (self._folder / name).write_bytes(
                resources.files("services.operator.export").joinpath(name).read_bytes()
            )
        self.is_sealed = True


@contextmanager
def new_export(folder: Path) -> Iterator[ExportFolder]:
    """A folder for the time of the block; it has its name when it was sealed and all went well.

    Raises FileExistsError when the name is taken, OSError.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} is there already")
    # Beside it until it is whole: what a full disk or a kill leaves is no export, and stands in nobody's way.
    partial = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}.part")
    partial.mkdir(parents=True)
    try:
        with ExitStack() as files:
            export = ExportFolder(partial, files)
            yield export
        if export.is_sealed:
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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


#: What has a line for each event, and what that says.
_LINES: Mapping[str, Callable[[timeline_pb2.TimelineEntry], Mapping[str, Any]]] = {
    "events.jsonl": _event,
    "metadata.jsonl": _readable,
    "audit_events.ndjson": audit_event,
}
