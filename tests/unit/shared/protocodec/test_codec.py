"""The codec by name: what fits goes both ways unchanged, what does not fit is refused when it is built."""

from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.text import BilingualText
from services.shared.protocodec import CodecMismatch, MessageCodec
from tierlink.referral.v1 import directory_pb2
from tierlink.type.v1 import type_pb2

moments = st.datetimes(timezones=st.just(UTC))
names = st.text(max_size=20)
actors = st.builds(
    Actor,
    user=names,
    name=names,
    facility=names,
    roles=st.lists(st.sampled_from(Role), max_size=3).map(tuple),
)
metadata = st.builds(
    EventMetadata,
    event_id=names,
    aggregate_id=names,
    version=st.integers(0, 2**40),
    type=names,
    occurred_at=moments,
    recorded_at=moments,
    actor=actors,
    request_id=names,
    traceparent=names,
)


class FacilityLevel(StrEnum):
    VILLAGE = "VILLAGE"
    TOWNSHIP = "TOWNSHIP"
    COUNTY = "COUNTY"
    CITY = "CITY"
    PROVINCE = "PROVINCE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facility:
    id: str
    name: BilingualText
    level: FacilityLevel
    capabilities: tuple[str, ...] = ()
    travel_minutes: dict[str, int]


@given(metadata)
def test_metadata_goes_both_ways_unchanged(value: EventMetadata) -> None:
    codec: MessageCodec[EventMetadata, type_pb2.EventMetadata] = MessageCodec(
        EventMetadata, type_pb2.EventMetadata
    )
    message = type_pb2.EventMetadata.FromString(codec.to_message(value).SerializeToString())
    assert codec.from_message(message) == value


@given(st.builds(Facility, travel_minutes=st.dictionaries(names, st.integers(0, 9999), max_size=4)))
def test_enums_maps_and_messages_go_both_ways_unchanged(value: Facility) -> None:
    codec: MessageCodec[Facility, directory_pb2.Facility] = MessageCodec(Facility, directory_pb2.Facility)
    assert codec.from_message(codec.to_message(value)) == value


def test_an_unset_message_that_is_needed_is_refused() -> None:
    codec: MessageCodec[Facility, directory_pb2.Facility] = MessageCodec(Facility, directory_pb2.Facility)
    with pytest.raises(ValueError, match=r"Facility\.name is not set"):
        codec.from_message(directory_pb2.Facility(id="f", level=directory_pb2.Facility().level))


def test_a_field_that_the_message_lacks_is_found_when_the_codec_is_built() -> None:
    @dataclass(frozen=True)
    class Other:
        zh: str
        fr: str

    with pytest.raises(CodecMismatch, match="fr"):
        MessageCodec(Other, type_pb2.BilingualText)


def test_a_type_that_differs_is_found_when_the_codec_is_built() -> None:
    @dataclass(frozen=True)
    class Other:
        zh: int

    with pytest.raises(CodecMismatch, match="zh"):
        MessageCodec(Other, type_pb2.BilingualText)


def test_an_enum_that_lacks_a_value_is_found_when_the_codec_is_built() -> None:
    class Fewer(StrEnum):
        VILLAGE = "VILLAGE"

    @dataclass(frozen=True)
    class Other:
        level: Fewer

    with pytest.raises(CodecMismatch, match="TOWNSHIP"):
        MessageCodec(Other, directory_pb2.Facility)
