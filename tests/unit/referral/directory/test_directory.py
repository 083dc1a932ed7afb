"""The directory: what may be applied, what changes, and what is looked up."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from services.referral.domain import directory as applying
from services.referral.domain.directory import (
    ApplyDirectory,
    DirectoryApplied,
    DirectoryDifference,
    decide,
    difference,
    evolve,
)
from services.referral.domain.directory_difference import DirectoryFieldChange
from services.referral.domain.directory_state import (
    DIRECTORY_NAME,
    EMPTY_DIRECTORY,
    Directory,
    Facility,
    level_rank,
)
from services.referral.domain.values import Direction, FacilityLevel, Scope
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.refusals import InvalidInput, NotPermitted
from services.shared.kernel.text import BilingualText
from services.shared.protocodec.event_codec import EventCodec
from tests.unit.referral.referral.network import (
    COMMUNITIES,
    COORDINATOR,
    DIRECTORY,
    FACILITIES,
    GENERAL,
    OPERATOR,
    START,
    SYSTEM,
    applied,
    metadata,
)
from tierlink.referral.v1 import directory_events_pb2
from tierlink.type.v1 import type_pb2

APPLY = ApplyDirectory(communities=COMMUNITIES, facilities=FACILITIES)
NAME = BilingualText(zh="某院", en="Some")


def context(actor: Any = OPERATOR) -> CommandContext:
    return CommandContext(request_id="request", actor=actor, occurred_at=START, recorded_at=START)


def facility(facility_id: str) -> Facility:
    return DIRECTORY.facilities[facility_id]


def test_the_first_application_adds_everything() -> None:
    (event,) = decide(None, APPLY, context())
    assert [each.id for each in event.facilities] == sorted(each.id for each in FACILITIES)
    assert len(event.communities) == 3
    assert (event.removed_facilities, event.removed_communities) == ((), ())
    assert (DIRECTORY.name, DIRECTORY.version, DIRECTORY.update_time) == (DIRECTORY_NAME, 1, START)


@pytest.mark.parametrize("actor", [GENERAL, COORDINATOR])
def test_only_an_operator_or_the_system_applies(actor: Any) -> None:
    with pytest.raises(NotPermitted):
        decide(None, APPLY, context(actor))
    assert decide(None, APPLY, context(SYSTEM))


def test_the_same_again_changes_nothing() -> None:
    assert decide(DIRECTORY, APPLY, context()) == ()
    shuffled = replace(APPLY, facilities=tuple(reversed(FACILITIES)))
    assert decide(DIRECTORY, shuffled, context()) == ()


def test_a_dry_run_changes_nothing_and_is_checked() -> None:
    dry = replace(APPLY, dry_run=True)
    assert decide(None, dry, context()) == ()
    with pytest.raises(InvalidInput):
        decide(None, replace(dry, communities=()), context())


def test_the_event_is_the_difference() -> None:
    fewer = tuple(each for each in FACILITIES if each.id != "xinjiang-4th")
    better = tuple(
        replace(each, capabilities=("STROKE", "IMAGING")) if each.id == "east-hospital" else each
        for each in fewer
    )
    new = Facility(id="new-clinic", name=NAME, level=FacilityLevel.VILLAGE, community="qitai-mc")
    renamed = replace(COMMUNITIES[0], name=NAME)
    command = ApplyDirectory(communities=(renamed, *COMMUNITIES[1:]), facilities=(*better, new))
    (event,) = decide(DIRECTORY, command, context())
    assert event == DirectoryApplied(
        communities=(renamed,),
        facilities=(better[4], new),
        removed_facilities=("xinjiang-4th",),
    )
    found = difference(DIRECTORY, command)
    assert replace(found, changes=()) == DirectoryDifference(
        added=("new-clinic",), changed=("jimsar-mc", "east-hospital"), removed=("xinjiang-4th",)
    )
    assert [(each.kind, each.id, each.action) for each in found.changes] == [
        ("COMMUNITY", "jimsar-mc", "CHANGED"),
        ("FACILITY", "east-hospital", "CHANGED"),
        ("FACILITY", "new-clinic", "ADDED"),
        ("FACILITY", "xinjiang-4th", "REMOVED"),
    ]
    assert found.changes[1].fields == (
        DirectoryFieldChange(field="capabilities", before="STROKE", after="STROKE, IMAGING"),
    )
    after = evolve(DIRECTORY, Recorded(event=event, metadata=metadata(event, 2)))
    assert after.version == 2
    assert after.facility("xinjiang-4th") is None
    assert after.facility("new-clinic") == new
    assert after.travel_minutes("jimsar-general", "xinjiang-4th") is None
    assert after == replace(applied(command), version=2)


def test_a_community_may_go() -> None:
    left = tuple(each for each in FACILITIES if each.community != "qitai-mc")
    command = ApplyDirectory(
        communities=tuple(each for each in COMMUNITIES if each.id != "qitai-mc"),
        facilities=tuple(
            replace(
                each, travel_minutes={k: v for k, v in each.travel_minutes.items() if k != "qitai-people"}
            )
            for each in left
        ),
    )
    (event,) = decide(DIRECTORY, command, context())
    assert (event.removed_communities, event.removed_facilities) == (("qitai-mc",), ("qitai-people",))
    assert difference(DIRECTORY, command).removed == ("qitai-mc", "qitai-people")
    after = evolve(DIRECTORY, Recorded(event=event, metadata=metadata(event, 2)))
    assert list(after.communities) == ["east-mc", "jimsar-mc"]


def test_neighbours_may_be_no_minutes_apart() -> None:
    next_door = Facility(id="next-door", name=NAME, level=FacilityLevel.COUNTY, travel_minutes={"x": 0})
    other = Facility(id="x", name=NAME, level=FacilityLevel.COUNTY)
    assert applied(ApplyDirectory(facilities=(next_door, other))).travel_minutes("x", "next-door") == 0


@pytest.mark.parametrize(
    ("origin", "destination", "direction", "scope"),
    [
        ("wucaiwan", "jimsar-general", Direction.UP, Scope.WITHIN_COMMUNITY),
        ("jimsar-general", "wucaiwan", Direction.DOWN, Scope.WITHIN_COMMUNITY),
        ("wucaiwan", "jimsar-town", Direction.LATERAL, Scope.WITHIN_COMMUNITY),
        ("jimsar-general", "east-hospital", Direction.LATERAL, Scope.BETWEEN_COMMUNITIES),
        ("jimsar-general", "qitai-people", Direction.LATERAL, Scope.OUT_OF_COUNTY),
        ("jimsar-general", "changji-prefecture", Direction.UP, Scope.OUT_OF_COUNTY),
        ("changji-prefecture", "xinjiang-4th", Direction.UP, Scope.OUT_OF_COUNTY),
        ("wucaiwan", "ambulance-120", Direction.LATERAL, Scope.BETWEEN_COMMUNITIES),
        ("ambulance-120", "ambulance-120", Direction.LATERAL, Scope.WITHIN_COMMUNITY),
    ],
)
def test_direction_and_scope(origin: str, destination: str, direction: Direction, scope: Scope) -> None:
    assert DIRECTORY.direction(facility(origin), facility(destination)) is direction
    assert DIRECTORY.scope(facility(origin), facility(destination)) is scope


def test_an_unknown_county_is_another_one() -> None:
    nameless = Facility(id="n", name=NAME, level=FacilityLevel.COUNTY)
    other = replace(nameless, id="o")
    assert DIRECTORY.scope(nameless, other) is Scope.OUT_OF_COUNTY
    assert DIRECTORY.county_of(nameless) == ""
    no_county = replace(DIRECTORY, communities={"jimsar-mc": replace(COMMUNITIES[0], county="")})
    assert no_county.county_of(facility("wucaiwan")) == "652327"
    assert DIRECTORY.county_of(facility("wucaiwan")) == "652327"


def test_travel_times_go_both_ways_unless_the_other_way_is_given() -> None:
    assert DIRECTORY.travel_minutes("wucaiwan", "jimsar-general") == 95
    assert DIRECTORY.travel_minutes("jimsar-general", "wucaiwan") == 95
    assert DIRECTORY.travel_minutes("wucaiwan", "xinjiang-4th") is None
    assert DIRECTORY.travel_minutes("nowhere", "wucaiwan") is None
    uphill = tuple(
        replace(each, travel_minutes={"wucaiwan": 110}) if each.id == "jimsar-general" else each
        for each in FACILITIES
    )
    one_way = applied(ApplyDirectory(communities=COMMUNITIES, facilities=uphill))
    assert one_way.travel_minutes("wucaiwan", "jimsar-general") == 95
    assert one_way.travel_minutes("jimsar-general", "wucaiwan") == 110
    reached = {each.id: minutes for each, minutes in DIRECTORY.reachable("wucaiwan")}
    assert reached == {
        "jimsar-general": 95,
        "wucaiwan-park-clinic": 15,
        "east-hospital": 110,
        "qitai-people": 120,
    }
    gone = replace(DIRECTORY, facilities={})
    assert list(gone.reachable("wucaiwan")) == []


def test_leads_members_and_levels() -> None:
    assert DIRECTORY.lead_of(facility("wucaiwan")) == "jimsar-general"
    assert DIRECTORY.lead_of(facility("changji-prefecture")) == "changji-prefecture"
    assert DIRECTORY.members("qitai-mc") == ("qitai-people",)
    assert DIRECTORY.community_of(facility("wucaiwan")) == COMMUNITIES[0]
    assert DIRECTORY.community_of(facility("xinjiang-4th")) is None
    assert DIRECTORY.same_community("wucaiwan", "jimsar-town")
    assert DIRECTORY.same_community("nowhere", "nowhere")
    assert not DIRECTORY.same_community("wucaiwan", "nowhere")
    assert not DIRECTORY.same_community("changji-prefecture", "xinjiang-4th")
    assert [level_rank(level) for level in FacilityLevel] == [0, 1, 2, 3, 4]


def test_the_fold_is_the_same_from_bytes() -> None:
    """A protobuf map has no order of its own; the snapshot has."""
    codec: EventCodec[Any] = EventCodec(
        directory_events_pb2.DirectoryEvent, type_pb2.EventMetadata, applying.EVENTS
    )
    (event,) = decide(None, APPLY, context())
    recorded = Recorded(event=event, metadata=metadata(event, 1))
    from_bytes: Recorded[DirectoryApplied] = codec.decode(codec.encode(recorded.metadata, event))
    assert isinstance(recorded.metadata, EventMetadata)
    encoded = msgspec.msgpack.encode(evolve(None, from_bytes))
    assert encoded == msgspec.msgpack.encode(evolve(None, recorded))
    assert msgspec.msgpack.decode(encoded, type=Directory) == DIRECTORY


def test_the_directory_waits_for_nobody() -> None:
    assert applying.deadlines(DIRECTORY) == ()
    assert applying.facets(DIRECTORY) == {"parties": [], "live": True}
    assert applying.allowed_commands(DIRECTORY) == ("ApplyDirectory",)
    assert EMPTY_DIRECTORY.version == 0
