"""Paths into messages and what is expected there."""

import pytest

from services.operator.casefile.fields import expectation_fault
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.paths import Expectation, NothingThere, path_fault, read_path, unmet
from services.operator.rpc.values import build_message
from tierlink.referral.v1 import referral_pb2, referral_service_pb2

RESPONSE = referral_service_pb2.GetReferralResponse.DESCRIPTOR


def _response() -> referral_service_pb2.GetReferralResponse:
    referral = referral_pb2.Referral(name="referrals/1", state=5, version=3)
    referral.offers.add(facility="a", state=3)
    referral.offers.add(facility="b", state=5)
    referral.bed.bed = "w-1"
    referral.create_time.FromJsonString("2026-01-02T03:04:05Z")
    return referral_service_pb2.GetReferralResponse(referral=referral)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("referral.name", "referrals/1"),
        ("referral.state", "ACCEPTED"),
        ("referral.version", 3),
        ("referral.offers[0].facility", "a"),
        ("referral.offers[-1].state", "WITHDRAWN"),
        ("referral.bed.bed", "w-1"),
        ("referral.create_time", "2026-01-02T03:04:05Z"),
        ("referral.parent", ""),
    ],
)
def test_a_path_leads_to_a_plain_value(path: str, value: object) -> None:
    assert path_fault(path, RESPONSE) is None
    assert read_path(_response(), path) == value


@pytest.mark.parametrize(
    "path", ["referral.offers[2].state", "referral.transport.vehicle", "referral.update_time"]
)
def test_a_path_may_lead_to_nothing(path: str) -> None:
    with pytest.raises(NothingThere):
        read_path(_response(), path)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("referral.stat", "Referral has no field stat"),
        ("referral.offers.state", "is a list; say which element"),
        ("referral.state[0]", "state is no list"),
        ("referral.state.name", "there is nothing below state"),
        ("referral.create_time.seconds", "there is nothing below create_time"),
        ("referral..state", "is no part of a path"),
    ],
)
def test_a_wrong_path_is_found_before_anything_is_played(path: str, fault: str) -> None:
    found = path_fault(path, RESPONSE)
    assert found is not None
    assert fault in found


@pytest.mark.parametrize(
    ("path", "relation", "value", "met"),
    [
        ("referral.state", "equals", "ACCEPTED", True),
        ("referral.state", "equals", "REFERRAL_STATE_ACCEPTED", True),
        ("referral.state", "equals", "REQUESTED", False),
        ("referral.transport", "present", False, True),
        ("referral.bed", "present", True, True),
        ("referral.parent", "equals", "", True),
        ("referral.transport.vehicle", "equals", "", True),
        ("referral.transport.vehicle", "equals", "x", False),
        ("referral.offers", "at_least", 2, True),
        ("referral.offers", "at_least", 3, False),
        ("referral.version", "at_least", 3, True),
        ("referral.allowed_commands", "contains", "x", False),
    ],
)
def test_expectations(path: str, relation: str, value: object, met: bool) -> None:
    expectation = Expectation(path=path, relation=relation, value=value)
    assert expectation_fault(expectation, RESPONSE) is None
    assert (not list(unmet(_response(), (expectation,)))) is met


def test_an_unmet_expectation_says_what_is_there() -> None:
    expectation = Expectation(path="referral.state", relation="equals", value="REQUESTED")
    assert list(unmet(_response(), (expectation,))) == ["referral.state is ACCEPTED, not REQUESTED"]


def test_every_rpc_of_the_contract_is_found_by_its_name() -> None:
    methods = rpc_methods()
    assert methods["AcceptReferral"].service == "referral"
    assert methods["VacateBed"].path == "/tierlink.bed.v1.BedService/VacateBed"
    assert methods["WatchAlerts"].is_stream
    assert methods["ApplyRoster"].is_command
    assert not methods["GetEpisode"].is_command


def test_messages_are_built_from_short_names_and_maps() -> None:
    method = rpc_methods()["ApplyDirectory"]
    facility = {"id": "a", "level": "TOWNSHIP", "travel_minutes": {"b": 10}, "capabilities": ["STROKE"]}
    message = build_message(method.request, {"facilities": [facility]})
    assert message.facilities[0].level == 2  # type: ignore[attr-defined]
    assert message.facilities[0].travel_minutes["b"] == 10  # type: ignore[attr-defined]


def test_a_variable_of_the_wrong_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="fencing_token"):
        build_message(rpc_methods()["ExtendHold"].request, {"fencing_token": "many"})
