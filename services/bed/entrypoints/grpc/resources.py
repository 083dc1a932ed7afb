"""Domain states as the resources of the contract."""

from typing import Any

from services.bed.domain.state import Ward
from services.bed.domain.values import Availability, BedType, Hold, WaitingEntry
from services.shared.protocodec import MessageCodec
from tierlink.bed.v1 import bed_pb2
from tierlink.type.v1 import type_pb2

_WARD: MessageCodec[Ward, bed_pb2.Ward] = MessageCodec(
    Ward, bed_pb2.Ward, internal=frozenset({"next_token", "left_types"})
)
_HOLD: MessageCodec[Hold, bed_pb2.Hold] = MessageCodec(Hold, bed_pb2.Hold)
_AVAILABILITY: MessageCodec[Availability, bed_pb2.Availability] = MessageCodec(
    Availability, bed_pb2.Availability
)
_WAITING: MessageCodec[WaitingEntry, bed_pb2.WaitingEntry] = MessageCodec(WaitingEntry, bed_pb2.WaitingEntry)


def ward_resource(ward: Ward) -> bed_pb2.Ward:
    return _WARD.to_message(ward)


def hold_resource(hold: Hold) -> bed_pb2.Hold:
    return _HOLD.to_message(hold)


def availability_resource(found: Availability) -> bed_pb2.Availability:
    return _AVAILABILITY.to_message(found)


def waiting_resource(entry: WaitingEntry) -> bed_pb2.WaitingEntry:
    return _WAITING.to_message(entry)


def bed_type_of(number: Any) -> BedType | None:
    """None for UNSPECIFIED."""
    name = type_pb2.BedType.Name(number).removeprefix("BED_TYPE_")
    return None if name == "UNSPECIFIED" else BedType(name)
