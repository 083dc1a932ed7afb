"""The domain's values have the names of the contract: the codec maps one to the other by them."""

from typing import Any

import pytest

from services.bed.domain import commands as ask
from services.bed.domain.desk_commands import DESK_REQUESTS
from services.bed.domain.state import Ward
from services.bed.domain.values import Availability, WaitingEntry
from services.shared.protocodec import MessageCodec
from tierlink.bed.v1 import bed_pb2, bed_service_pb2

from .scenario import BED_IN, HOUR, NOW, described, fold, hold_bed

#: fields that the domain has for itself
INTERNAL = {
    ask.HoldBed: frozenset({"record_refusal", "urgency", "asked_at", "patient_in_transit", "patient_arrived"})
}


@pytest.mark.parametrize(
    "command",
    [ask.ApplyWards, *(c for c in ask.REQUESTS if c is not ask.ApplyWard), *DESK_REQUESTS],
)
def test_every_request_reads_as_its_command(command: type[Any]) -> None:
    message = getattr(bed_service_pb2, f"{command.__name__}Request")
    MessageCodec(command, message, internal=INTERNAL.get(command, frozenset()))


def test_a_hold_request_reads_back() -> None:
    codec = MessageCodec(ask.HoldBed, bed_service_pb2.HoldBedRequest, internal=INTERNAL[ask.HoldBed])
    asked = hold_bed(sex="F", age_years=0, isolation_needed=True, expires_at=NOW + HOUR)
    assert codec.from_message(codec.to_message(asked)) == asked


def test_a_ward_shows_as_its_resource() -> None:
    codec = MessageCodec(Ward, bed_pb2.Ward, internal=frozenset({"next_token", "left_types"}))
    for events in BED_IN.values():
        state = fold(described(), *events)
        message = codec.to_message(state)
        assert (message.id, message.version, len(message.beds)) == ("w", state.version, 3)
        assert message.beds[0].patient == state.beds[0].patient
        shown = codec.from_message(message)
        assert (shown.beds, shown.counts, shown.name) == (state.beds, state.counts, state.name)


def test_who_waits_shows_as_its_resource() -> None:
    MessageCodec(WaitingEntry, bed_pb2.WaitingEntry)


def test_availability_shows_as_its_resource() -> None:
    MessageCodec(Availability, bed_pb2.Availability)
