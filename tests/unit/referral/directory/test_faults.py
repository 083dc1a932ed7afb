"""A broken directory is refused whole, and every fault is named at its field."""

from dataclasses import replace
from typing import Any

import pytest

from services.referral.domain.directory import ApplyDirectory, decide
from services.referral.domain.directory_entries import FacilityIdentifier, IdentifierScheme
from services.referral.domain.directory_faults import violations
from services.referral.domain.directory_state import Community, Facility
from services.referral.domain.values import FacilityLevel
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.directory.sites import ALLIANCE, AREA, CHANNEL, NAME, POOL, WHOLE, credit_code
from tests.unit.referral.referral.network import COMMUNITIES, FACILITIES, OPERATOR, START

COUNTY = FacilityLevel.COUNTY
CONTEXT = CommandContext(request_id="request", actor=OPERATOR, occurred_at=START, recorded_at=START)


def faults(command: ApplyDirectory) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        decide(None, command, CONTEXT)
    return [(each.field, each.reason) for each in caught.value.violations]


def facility(key: str, **values: Any) -> Facility:
    return Facility(id=key, name=NAME, level=COUNTY, **values)


def community(key: str, lead: str, **values: Any) -> Community:
    return Community(id=key, name=NAME, lead=lead, **values)


def identifier(scheme: IdentifierScheme, value: str) -> FacilityIdentifier:
    return FacilityIdentifier(scheme=scheme, value=value)


def test_the_whole_directory_of_the_tests_is_sound() -> None:
    assert list(violations(WHOLE)) == []


def test_every_fault_is_named_at_once() -> None:
    command = ApplyDirectory(
        communities=(community("a", "nobody"), community("a", "x"), community("x", "y")),
        facilities=(
            facility("x", community="elsewhere"),
            facility("y", capabilities=("STROKE", "STROKE"), travel_minutes={"y": 1, "z": 2, "x": -3}),
            facility("y"),
        ),
    )
    assert faults(command) == [
        ("communities[1].id", "DUPLICATE_ID"),
        ("facilities[2].id", "DUPLICATE_ID"),
        ("communities[0].lead", "UNKNOWN_LEAD"),
        ("communities[1].lead", "MEMBER_OF_TWO_COMMUNITIES"),
        ("communities[2].id", "ID_OF_FACILITY"),
        ("communities[2].lead", "LEAD_NOT_MEMBER"),
        ("facilities[0].community", "UNKNOWN_COMMUNITY"),
        ("facilities[1].capabilities", "DUPLICATE"),
        ("facilities[1].travel_minutes[y]", "TRAVEL_TO_ITSELF"),
        ("facilities[1].travel_minutes[z]", "UNKNOWN_FACILITY"),
        ("facilities[1].travel_minutes[x]", "NEGATIVE"),
    ]


@pytest.mark.parametrize(
    ("parents", "fault"),
    [
        ({"a": "a"}, ("communities[0].parent", "CYCLE")),
        ({"a": "b", "b": "a"}, ("communities[0].parent", "CYCLE")),
        ({"a": "b", "b": "c", "c": "a"}, ("communities[0].parent", "CYCLE")),
        ({"b": "c", "c": "b", "a": "b"}, ("communities[1].parent", "CYCLE")),
        ({"a": "nowhere"}, ("communities[0].parent", "UNKNOWN_COMMUNITY")),
    ],
)
def test_communities_stand_in_no_circle(parents: dict[str, str], fault: tuple[str, str]) -> None:
    keys = ("a", "b", "c")
    command = ApplyDirectory(
        communities=tuple(community(key, f"lead-{key}", parent=parents.get(key, "")) for key in keys),
        facilities=tuple(facility(f"lead-{key}", community=key) for key in keys),
    )
    assert faults(command) == [fault]


def test_leads_stand_in_no_circle() -> None:
    command = ApplyDirectory(
        communities=(community("a", "x"), community("b", "y")),
        facilities=(facility("x", community="b"), facility("y", community="a")),
    )
    assert faults(command) == [
        ("communities[0].lead", "MEMBER_OF_TWO_COMMUNITIES"),
        ("communities[1].lead", "MEMBER_OF_TWO_COMMUNITIES"),
        ("communities[0].lead", "CYCLE"),
    ]


def test_a_group_above_communities_is_no_circle() -> None:
    group = community("city-group", "changji-prefecture")
    under = tuple(replace(each, parent="city-group") for each in COMMUNITIES)
    city = tuple(
        replace(each, community="city-group") if each.id == "changji-prefecture" else each
        for each in FACILITIES
    )
    command = ApplyDirectory(communities=(*under, group), facilities=city)
    assert list(violations(command)) == []


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"alliances": (replace(ALLIANCE, members=("jimsar-general", "nobody")),)},
         ("alliances[0].members[1]", "UNKNOWN_FACILITY")),
        ({"alliances": (ALLIANCE, ALLIANCE)}, ("alliances[1].id", "DUPLICATE_ID")),
        ({"alliances": (replace(ALLIANCE, members=("wucaiwan",)),)}, ("alliances[0].members", "TOO_FEW")),
        ({"pooling_areas": (replace(POOL, regions=("110000",)),)},
         ("pooling_areas[0].regions[0]", "UNKNOWN_REGION")),
        ({"pooling_areas": (replace(POOL, regions=("6523",)),)},
         ("pooling_areas[0].regions[0]", "MALFORMED_REGION")),
        ({"pooling_areas": (replace(POOL, regions=("652300", "652300")),)},
         ("pooling_areas[0].regions[1]", "DUPLICATE")),
        ({"pooling_areas": (replace(POOL, facilities=("nobody",)),)},
         ("pooling_areas[0].facilities[0]", "UNKNOWN_FACILITY")),
        ({"pooling_areas": (replace(POOL, regions=(), facilities=()),)}, ("pooling_areas[0]", "EMPTY_AREA")),
        ({"pooling_areas": (replace(POOL, exemptions=("nowhere",)),)},
         ("pooling_areas[0].exemptions[0]", "UNKNOWN_EXEMPTION")),
        ({"pooling_areas": (replace(POOL, exemptions=("changji-pool",)),)},
         ("pooling_areas[0].exemptions[0]", "UNKNOWN_EXEMPTION")),
        ({"pooling_areas": (replace(POOL, exemptions=("650000", "650000")),)},
         ("pooling_areas[0].exemptions[1]", "DUPLICATE")),
        ({"pooling_areas": (POOL, replace(POOL, id="other", facilities=()))},
         ("pooling_areas[1].regions[0]", "IN_TWO_AREAS")),
        ({"pooling_areas": (POOL, replace(POOL, id="other", regions=()))},
         ("pooling_areas[1].facilities[0]", "IN_TWO_AREAS")),
        ({"recognition_areas": (replace(AREA, regions=("999999",)),)},
         ("recognition_areas[0].regions[0]", "UNKNOWN_REGION")),
        ({"recognition_areas": (replace(AREA, exemptions=("changji-pool",)),)},
         ("recognition_areas[0].exemptions[0]", "UNKNOWN_EXEMPTION")),
        ({"green_channels": (replace(CHANNEL, facility="nobody"),)},
         ("green_channels[0].facility", "UNKNOWN_FACILITY")),
        ({"green_channels": (replace(CHANNEL, holder="jimsar-general"),)},
         ("green_channels[0].holder", "HOLDER_IS_FACILITY")),
        ({"green_channels": (CHANNEL, CHANNEL)}, ("green_channels[1].id", "DUPLICATE_ID")),
    ],
)  # fmt: skip
def test_agreements_name_what_is_there(values: dict[str, Any], fault: tuple[str, str]) -> None:
    assert faults(replace(WHOLE, **values)) == [fault]


def test_areas_may_lie_within_one_another_and_exempt_each_other() -> None:
    county = replace(POOL, id="county", regions=("652327",), facilities=(), exemptions=("changji-pool",))
    assert list(violations(replace(WHOLE, pooling_areas=(POOL, county)))) == []


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"region": "6523"}, ("facilities[0].region", "MALFORMED_REGION")),
        ({"region": "65232X"}, ("facilities[0].region", "MALFORMED_REGION")),
        ({"travel_minutes": {"wucaiwan": 10_001}}, ("facilities[0].travel_minutes[wucaiwan]", "TOO_LONG")),
    ],
)
def test_facilities_have_values_that_can_be(values: dict[str, Any], fault: tuple[str, str]) -> None:
    first = replace(FACILITIES[0], **values)
    assert faults(replace(WHOLE, facilities=(first, *FACILITIES[1:]))) == [fault]


def test_a_county_is_a_region() -> None:
    first = replace(COMMUNITIES[0], county="Jimsar")
    command = replace(WHOLE, communities=(first, *COMMUNITIES[1:]))
    assert faults(command) == [("communities[0].county", "MALFORMED_REGION")]


@pytest.mark.parametrize(
    ("scheme", "value", "sound"),
    [
        (IdentifierScheme.WS218, "457312345X", True),
        (IdentifierScheme.WS218, "45731234", False),
        (IdentifierScheme.LICENCE, "PDY00123465232711A1001", True),
        (IdentifierScheme.LICENCE, "PDY001234", False),
        # The code of Huawei Technologies Co., Ltd., as printed on its licence.
        (IdentifierScheme.CREDIT_CODE, "914403001922038216", True),
        (IdentifierScheme.CREDIT_CODE, "914403001922038217", False),
        (IdentifierScheme.CREDIT_CODE, "91440300192203821I", False),
    ],
)
def test_identifiers_are_of_their_scheme(scheme: IdentifierScheme, value: str, sound: bool) -> None:
    first = replace(FACILITIES[0], identifiers=(identifier(scheme, value),))
    found = [each.field for each in violations(replace(WHOLE, facilities=(first, *FACILITIES[1:])))]
    assert found == ([] if sound else ["facilities[0].identifiers[0].value"])


def test_a_licence_is_that_of_one_facility_and_a_credit_code_of_a_legal_person() -> None:
    licence = identifier(IdentifierScheme.LICENCE, "PDY00123465232711A1001")
    shared = identifier(IdentifierScheme.CREDIT_CODE, credit_code("12652327457912345"))
    both = tuple(replace(each, identifiers=(licence, shared)) for each in FACILITIES[:2])
    assert faults(replace(WHOLE, facilities=(*both, *FACILITIES[2:]))) == [
        ("facilities[1].identifiers[0].value", "DUPLICATE_IDENTIFIER")
    ]
    twice = replace(FACILITIES[0], identifiers=(licence, licence))
    assert faults(replace(WHOLE, facilities=(twice, *FACILITIES[1:]))) == [
        ("facilities[0].identifiers[1].value", "DUPLICATE")
    ]
