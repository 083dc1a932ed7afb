"""The domain's names are the contract's names, and what is stored is what was decided."""

from typing import Any, get_args

import msgspec
import pytest

from services.referral.domain import commands, directory, explaining
from services.referral.domain.directory_state import Community, Directory, Facility
from services.referral.domain.events import EVENTS
from services.referral.domain.referral import INTERNAL_FIELDS, Referral, ReferralEnvelope, envelope
from services.shared.protocodec.codec import MessageCodec
from services.shared.protocodec.event_codec import EventCodec
from tests.unit.referral.referral.network import DIRECTORY
from tests.unit.referral.referral.stories import TO_STATE, down_arrived, in_transit, referred_back
from tierlink.referral.v1 import (
    directory_events_pb2,
    directory_pb2,
    directory_service_pb2,
    referral_events_pb2,
    referral_pb2,
    referral_service_pb2,
)
from tierlink.type.v1 import type_pb2

GIVEN_BY_PEOPLE = [
    command
    for command in get_args(commands.Command)
    if command not in (commands.FollowBed, commands.FollowStanding, commands.MeetDeadline)
]


@pytest.mark.parametrize("command", GIVEN_BY_PEOPLE, ids=lambda command: command.__name__)
def test_a_command_has_the_fields_of_its_request(command: type) -> None:
    request: Any = getattr(referral_service_pb2, f"{command.__name__}Request")
    codec: MessageCodec[Any, Any] = MessageCodec(command, request)
    own = {"request_id", "expected_version", "occurred_at", "name"}
    fields = set(request.DESCRIPTOR.fields_by_name) - own
    assert fields == set(command.__dataclass_fields__)  # type: ignore[attr-defined]
    assert codec


def test_queries_and_explanations_fit_their_messages() -> None:
    assert MessageCodec(explaining.ExplainReferral, referral_service_pb2.ExplainReferralRequest)
    assert MessageCodec(explaining.DestinationExplanation, referral_service_pb2.DestinationExplanation)


def test_the_directory_fits_its_messages() -> None:
    assert MessageCodec(directory.ApplyDirectory, directory_service_pb2.ApplyDirectoryRequest)
    for each, message in ((Facility, directory_pb2.Facility), (Community, directory_pb2.Community)):
        assert MessageCodec(each, message)
    codec: EventCodec[Any] = EventCodec(
        directory_events_pb2.DirectoryEvent, type_pb2.EventMetadata, directory.EVENTS
    )
    assert codec


@pytest.mark.parametrize("state", TO_STATE)
def test_every_state_can_be_shown(state: str) -> None:
    codec: MessageCodec[Any, Any] = MessageCodec(Referral, referral_pb2.Referral, internal=INTERNAL_FIELDS)
    for story in (TO_STATE[state], down_arrived, referred_back):  # type: ignore[index]
        shown = codec.to_message(story().referral)
        assert shown.name == story().referral.name
        assert referral_pb2.ReferralState.Name(shown.state).endswith(story().referral.state.value)


def test_what_the_resource_hides_is_what_the_contract_lacks() -> None:
    shown = set(referral_pb2.Referral.DESCRIPTOR.fields_by_name)
    kept = set(Referral.__dataclass_fields__)
    assert kept - shown == INTERNAL_FIELDS
    assert shown - kept == {"allowed_commands"}


def test_an_event_says_whom_it_concerns() -> None:
    chart = in_transit()
    message = referral_events_pb2.ReferralEvent.FromString(chart.stored[-1])
    assert (message.origin_facility, message.destination_facility) == ("wucaiwan", "jimsar-general")
    assert message.custodian_facility == "wucaiwan"
    assert referral_pb2.ReferralState.Name(message.state) == "REFERRAL_STATE_IN_TRANSIT"
    assert envelope(chart.referral).pathway.value == "STROKE"
    fields = set(ReferralEnvelope.__dataclass_fields__)
    assert fields <= set(referral_events_pb2.ReferralEvent.DESCRIPTOR.fields_by_name)


def test_no_event_names_a_patient() -> None:
    """A patient is a pseudonym in every message that leaves the service."""
    for event in EVENTS:
        assert not {"patient_name", "identity_number", "telephone"} & set(event.__dataclass_fields__)


def test_the_directory_survives_its_snapshot() -> None:
    snapshot = msgspec.msgpack.encode(DIRECTORY)
    again = msgspec.msgpack.decode(snapshot, type=Directory)
    assert again == DIRECTORY
    assert msgspec.msgpack.encode(again) == snapshot
