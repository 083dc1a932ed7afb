"""Domain states as the resources of the contract."""

from services.bed.domain.state import Ward
from services.bed.domain.values import Availability, Hold
from services.shared.protocodec import MessageCodec
from tierlink.bed.v1 import bed_pb2

_WARD: MessageCodec[Ward, bed_pb2.Ward] = MessageCodec(Ward, bed_pb2.Ward, internal=frozenset({"next_token"}))
_HOLD: MessageCodec[Hold, bed_pb2.Hold] = MessageCodec(Hold, bed_pb2.Hold)
_AVAILABILITY: MessageCodec[Availability, bed_pb2.Availability] = MessageCodec(
    Availability, bed_pb2.Availability
)


def ward_resource(ward: Ward) -> bed_pb2.Ward:
    return _WARD.to_message(ward)


def hold_resource(hold: Hold) -> bed_pb2.Hold:
    return _HOLD.to_message(hold)


def availability_resource(found: Availability) -> bed_pb2.Availability:
    return _AVAILABILITY.to_message(found)
