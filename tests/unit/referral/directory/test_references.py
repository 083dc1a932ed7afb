"""A directory with malformed fields and wrong references is told of both in one answer."""

from typing import Any

import protovalidate
import pytest

from services.referral.entrypoints.grpc.directory_references import reference_faults
from services.shared.kernel.refusals import InvalidInput
from services.shared.rpc.validation import RequestContract
from tierlink.referral.v1 import directory_service_pb2 as pb
from tierlink.type.v1 import type_pb2

NAME = {"zh": "甲", "en": "A"}
CONTRACT = RequestContract(pb.ApplyDirectoryRequest, protovalidate.Validator(), reference_faults)


def request(**changes: Any) -> pb.ApplyDirectoryRequest:
    fields: dict[str, Any] = {
        "request_id": "7f1d4f6e-6f1c-4e0c-9a52-000000000001",
        "communities": [{"id": "mc", "name": NAME, "lead": "county"}],
        "facilities": [
            {"id": "county", "name": NAME, "level": "FACILITY_LEVEL_COUNTY", "community": "mc"},
            {"id": "branch", "name": NAME, "level": "FACILITY_LEVEL_TOWNSHIP", "community": "mc"},
        ],
    }
    return pb.ApplyDirectoryRequest(**{**fields, **changes})


def told(asked: pb.ApplyDirectoryRequest) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        CONTRACT.read(asked.SerializeToString())
    return {each.field: each.reason for each in caught.value.violations}


def test_a_directory_that_is_right_passes() -> None:
    assert CONTRACT.read(request().SerializeToString()) == request()


def test_both_kinds_of_faults_are_told_at_once() -> None:
    asked = request()
    asked.communities[0].lead = "countyy"
    asked.facilities[0].ClearField("name")
    asked.facilities[1].level = type_pb2.FACILITY_LEVEL_UNSPECIFIED
    asked.facilities[1].travel_minutes["nowhere"] = 20
    assert told(asked) == {
        "facilities[0].name": "REQUIRED",
        "facilities[1].level": "ENUM_NOT_IN",
        "communities[0].lead": "UNKNOWN_LEAD",
        "facilities[1].travel_minutes[nowhere]": "UNKNOWN_FACILITY",
    }


def test_what_both_say_is_said_once() -> None:
    asked = request()
    asked.communities[0].lead = ""
    asked.facilities[1].travel_minutes["county"] = -5
    assert told(asked) == {
        "communities[0].lead": "STRING_MIN_LEN",
        'facilities[1].travel_minutes["county"]': "INT32_GTE_LTE",
    }


@pytest.mark.parametrize("scheme", [0, 99])
def test_an_identifier_of_no_scheme_hides_nothing_and_invents_nothing(scheme: int) -> None:
    asked = request()
    for facility in asked.facilities:
        for _ in range(2):
            facility.identifiers.add(scheme=scheme, value="12")  # type: ignore[arg-type]
    asked.facilities[0].identifiers.add(scheme="IDENTIFIER_SCHEME_WS218", value="12")
    found = told(asked)
    assert found.pop("facilities[0].identifiers[2].value") == "MALFORMED_IDENTIFIER"
    assert set(found) == {
        f"facilities[{place}].identifiers[{index}].scheme" for place in (0, 1) for index in (0, 1)
    }


def test_every_list_may_lack_what_the_contract_asks_for() -> None:
    asked = request(
        alliances=[{"id": "a", "members": ["county", "nobody"]}],
        pooling_areas=[{}],
        recognition_areas=[{"id": "r", "regions": ["999999"]}],
        green_channels=[{"facility": "nobody"}],
    )
    found = told(asked)
    assert found["alliances[0].members[1]"] == "UNKNOWN_FACILITY"
    assert found["recognition_areas[0].regions[0]"] == "UNKNOWN_REGION"
    assert found["green_channels[0].facility"] == "UNKNOWN_FACILITY"
    assert {"alliances[0].name", "pooling_areas[0].id", "green_channels[0].name"} <= found.keys()
