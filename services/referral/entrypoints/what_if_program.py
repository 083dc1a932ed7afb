"""The what-if program's speech: an order and recorded events come in, one JSON document goes out.

The first line of the input is the order, a JSON object; each further line is an event, as JSON with its kind
and the bytes in base64. It reaches nothing but its standard input and output.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from services.referral.application.try_what_if import Histories, Trial
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import Directory
from services.shared.kernel.command import Recorded
from services.shared.protocodec import MessageCodec
from tierlink.referral.v1 import directory_service_pb2 as pb

_APPLY: MessageCodec[ApplyDirectory, pb.ApplyDirectoryRequest] = MessageCodec(
    ApplyDirectory, pb.ApplyDirectoryRequest
)

#: Of each kind of aggregate, how its bytes are read.
Decoders = Mapping[str, Callable[[bytes], Recorded[Any]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be tried on the events that follow."""

    directory: ApplyDirectory
    #: files of the site's own values; None for the product's defaults
    policy: Path | None
    targets: Path | None
    #: of the requests that are compared
    since: datetime | None
    until: datetime | None


class _OrderLine(msgspec.Struct, forbid_unknown_fields=True):
    #: an ApplyDirectoryRequest
    directory: bytes
    policy: str | None = None
    targets: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class _EventLine(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    value: bytes


def read_order(line: str) -> Order:
    """Raises msgspec.DecodeError, google.protobuf's DecodeError."""
    said = msgspec.json.decode(line, type=_OrderLine)
    return Order(
        directory=_APPLY.from_message(pb.ApplyDirectoryRequest.FromString(said.directory)),
        policy=None if said.policy is None else Path(said.policy),
        targets=None if said.targets is None else Path(said.targets),
        since=said.since,
        until=said.until,
    )


def read_histories(lines: Iterable[str], decoders: Decoders) -> Histories:
    """The events by aggregate and version; one that comes twice is one. Raises msgspec.DecodeError."""
    read = msgspec.json.Decoder(_EventLine)
    kept: dict[str, dict[str, dict[int, Recorded[Any]]]] = {kind: {} for kind in decoders}
    for line in lines:
        said = read.decode(line)
        recorded = decoders[said.kind](said.value)
        of_it = kept[said.kind].setdefault(recorded.metadata.aggregate_id, {})
        of_it[recorded.metadata.version] = recorded
    by_version = {
        kind: {name: [each[version] for version in sorted(each)] for name, each in histories.items()}
        for kind, histories in kept.items()
    }
    return Histories(referrals=by_version["referral"], episodes=by_version["episode"])


def document(trial: Trial, directory: Directory) -> bytes:
    """The outcome as JSON, with the names of the facilities that the directory has."""
    names = {each.id: {"zh": each.name.zh, "en": each.name.en} for each in directory.facilities.values()}
    return msgspec.json.encode({"facilities": names, **_fields(trial)}, order="deterministic")


def _fields(trial: Trial) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(trial)
    return fields
