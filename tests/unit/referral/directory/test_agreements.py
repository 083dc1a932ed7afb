"""Alliances, areas and channels: looked up, and applied and read back as they were."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings

from services.referral.domain import directory as applying
from services.referral.domain.directory import ApplyDirectory, decide, difference
from services.referral.domain.directory_difference import DirectoryAction, applied_difference
from services.referral.domain.directory_entries import PoolingArea, RecognitionArea, region_holds
from services.referral.domain.directory_state import Community, Directory
from services.shared.kernel.command import Recorded
from services.shared.protocodec import EventCodec, MessageCodec
from tests.unit.referral.directory.sites import ALLIANCE, CHANNEL, NAME, POOL, WHOLE, directories
from tests.unit.referral.directory.test_faults import CONTEXT
from tests.unit.referral.referral.network import COMMUNITIES, DIRECTORY, FACILITIES, applied, metadata
from tierlink.referral.v1 import directory_events_pb2, directory_service_pb2
from tierlink.type.v1 import type_pb2

SITE = applied(WHOLE)
_CODEC: EventCodec[applying.DirectoryApplied] = EventCodec(
    directory_events_pb2.DirectoryEvent, type_pb2.EventMetadata, applying.EVENTS
)
_REQUEST: MessageCodec[ApplyDirectory, directory_service_pb2.ApplyDirectoryRequest] = MessageCodec(
    ApplyDirectory, directory_service_pb2.ApplyDirectoryRequest
)


def read_back(directory: Directory) -> ApplyDirectory:
    return ApplyDirectory(
        communities=tuple(directory.communities.values()),
        facilities=tuple(directory.facilities.values()),
        alliances=tuple(directory.alliances.values()),
        pooling_areas=tuple(directory.pooling_areas.values()),
        recognition_areas=tuple(directory.recognition_areas.values()),
        green_channels=tuple(directory.green_channels.values()),
    )


def by_id(command: ApplyDirectory) -> ApplyDirectory:
    return ApplyDirectory(
        communities=tuple(sorted(command.communities, key=lambda each: each.id)),
        facilities=tuple(sorted(command.facilities, key=lambda each: each.id)),
        alliances=tuple(sorted(command.alliances, key=lambda each: each.id)),
        pooling_areas=tuple(sorted(command.pooling_areas, key=lambda each: each.id)),
        recognition_areas=tuple(sorted(command.recognition_areas, key=lambda each: each.id)),
        green_channels=tuple(sorted(command.green_channels, key=lambda each: each.id)),
    )


@settings(max_examples=60, deadline=None)
@given(first=directories(), then=directories())
def test_what_is_applied_is_read_back_and_the_same_again_changes_nothing(
    first: ApplyDirectory, then: ApplyDirectory
) -> None:
    """Through the messages of the contract and of the event, one directory after another."""
    state: Directory | None = None
    for version, command in enumerate((first, then), start=1):
        sent = _REQUEST.from_message(
            directory_service_pb2.ApplyDirectoryRequest.FromString(
                _REQUEST.to_message(command).SerializeToString()
            )
        )
        for event in decide(state, sent, CONTEXT):
            recorded = _CODEC.decode(_CODEC.encode(metadata(event, version), event))
            state = applying.evolve(state, recorded)
        assert state is not None
        assert read_back(state) == by_id(command)
        assert decide(state, command, CONTEXT) == ()
        assert difference(state, command).changes == ()
        snapshot = msgspec.msgpack.encode(state)
        assert msgspec.msgpack.decode(snapshot, type=Directory) == state


@settings(max_examples=60, deadline=None)
@given(first=directories(), then=directories())
def test_a_difference_names_what_differs_and_nothing_else(
    first: ApplyDirectory, then: ApplyDirectory
) -> None:
    before = applied(first)
    found = difference(before, then)
    assert (not found.changes) == (read_back(before) == by_id(then))
    for change in found.changes:
        assert (change.action is DirectoryAction.CHANGED) == bool(change.fields)
        assert all(each.before != each.after for each in change.fields)


def test_an_event_of_old_has_no_agreements_and_takes_none_away() -> None:
    old = applying.DirectoryApplied(communities=COMMUNITIES[:1], removed_facilities=("ambulance-120",))
    after = applying.evolve(SITE, Recorded(event=old, metadata=metadata(old, 2)))
    assert after.alliances == SITE.alliances
    assert after.green_channels == {"park-channel": CHANNEL}


def test_every_kind_is_taken_away_by_its_id() -> None:
    command = ApplyDirectory(communities=COMMUNITIES, facilities=FACILITIES)
    event = applied_difference(SITE, command)
    assert event.removed_alliances == ("stroke-alliance",)
    assert event.removed_pooling_areas == ("changji-pool",)
    assert event.removed_recognition_areas == ("changji-results",)
    assert event.removed_green_channels == ("park-channel",)
    assert difference(SITE, command).removed == (
        "stroke-alliance",
        "changji-pool",
        "changji-results",
        "park-channel",
    )
    after = applying.evolve(SITE, Recorded(event=event, metadata=metadata(event, 2)))
    assert read_back(after) == by_id(command)


@pytest.mark.parametrize(
    ("area", "region", "holds"),
    [
        ("652300", "652327", True),
        ("650000", "652327", True),
        ("652327", "652327", True),
        ("652327", "652300", False),
        ("652300", "650000", False),
        ("652300", "653027", False),
        ("652327", "652327101000", True),
        ("652327101000", "652327101001", False),
        ("", "652327", False),
        ("652300", "", False),
    ],
)
def test_regions_hold_regions(area: str, region: str, holds: bool) -> None:
    assert region_holds(area, region) == holds


def test_an_alliance_links_its_members_in_its_specialty() -> None:
    one, other = "jimsar-general", "changji-prefecture"
    assert SITE.alliance_between(one, other, {"STROKE"}) == ALLIANCE
    assert SITE.alliance_between(other, one, {"STROKE", "TRAUMA"}) == ALLIANCE
    assert SITE.alliance_between(one, other, {"TRAUMA"}) is None
    assert SITE.alliance_between(one, "wucaiwan", {"STROKE"}) is None
    assert DIRECTORY.alliance_between(one, other, {"STROKE"}) is None


def test_a_facility_is_insured_where_it_is_named_else_in_the_closest_region() -> None:
    county = PoolingArea(id="county", regions=("652327",), exemptions=("changji-pool", "qitai-people"))
    site = replace(SITE, pooling_areas={**SITE.pooling_areas, "county": county})
    facility = site.facilities.__getitem__
    assert site.pooling_area_of(facility("wucaiwan")) == county
    assert site.pooling_area_of(facility("qitai-people")) == POOL
    assert site.pooling_area_of(facility("xinjiang-4th")) == POOL
    assert DIRECTORY.pooling_area_of(facility("wucaiwan")) is None
    assert site.filing_exemption(county, facility("changji-prefecture")) == "changji-pool"
    assert site.filing_exemption(county, facility("wucaiwan")) == ""
    assert site.filing_exemption(POOL, facility("xinjiang-4th")) == "650000"
    alone = replace(county, exemptions=("qitai-people",))
    assert site.filing_exemption(alone, facility("qitai-people")) == "qitai-people"


def test_who_takes_part_in_recognition() -> None:
    listed = RecognitionArea(
        id="listed", facilities=("xinjiang-4th", "ambulance-120"), exemptions=("652325",)
    )
    site = replace(SITE, recognition_areas={**SITE.recognition_areas, "listed": listed})
    found = {key: site.recognition_areas_of(each) for key, each in site.facilities.items()}
    assert found["wucaiwan"] == ("changji-results",)
    assert found["ambulance-120"] == ("listed",)
    assert found["xinjiang-4th"] == ("listed",)
    everybody = replace(listed, regions=("650000",))
    site = replace(site, recognition_areas={"listed": everybody})
    assert site.recognition_areas_of(site.facilities["qitai-people"]) == ()
    assert site.recognition_areas_of(site.facilities["wucaiwan"]) == ("listed",)


def test_leads_above_are_those_of_the_community_and_its_groups() -> None:
    group = Community(id="group", name=NAME, lead="changji-prefecture")
    site = replace(
        DIRECTORY,
        communities={
            **DIRECTORY.communities,
            "jimsar-mc": replace(COMMUNITIES[0], parent="group"),
            "group": group,
        },
    )
    assert site.leads_above(site.facilities["wucaiwan"]) == ("jimsar-general", "changji-prefecture")
    assert site.leads_above(site.facilities["qitai-people"]) == ("qitai-people",)
    assert site.leads_above(site.facilities["xinjiang-4th"]) == ()
    circle = replace(site, communities={**site.communities, "group": replace(group, parent="group")})
    assert len(circle.leads_above(circle.facilities["wucaiwan"])) == 2
