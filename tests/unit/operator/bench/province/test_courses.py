"""Courses whose every call the contract knows, by those who are there."""

from datetime import UTC, datetime
from random import Random

import pytest

from services.operator.bench.province.course import BRANCH, COUNTY, DESK, Course
from services.operator.bench.province.courses import COURSES, calls_of
from services.operator.bench.province.network import BRANCHES, COUNTIES, branch, county_hospital, site
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from tierlink.bed.v1 import bed_service_pb2
from tierlink.referral.v1 import referral_service_pb2

_ID = "00000000-0000-4000-8000-000000000002"


def _course() -> Course:
    return Course(
        branch="b", county="c", random=Random(1), now=lambda: datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    )


@pytest.mark.parametrize("name", COURSES)
def test_every_call_of_a_course_is_a_request_of_the_contract(name: str) -> None:
    course = _course()
    # Given that whatever it needs by name has been made by a call before:
    made: set[str] = set()
    for step in COURSES[name]:
        if step.awaits is not None:
            assert step.awaits.since in made
            course.names |= {"alert": f"alerts/{_ID}", "ward": "w", "bed": "1"}
        rpc = rpc_methods()[step.method]
        fields = dict(step.fields(course)) | ({"request_id": course.new_id()} if rpc.is_command else {})
        assert build_message(rpc.request, fields).ByteSize() > 0 or not fields
        assert step.who in {BRANCH, COUNTY, DESK}
        made.add(step.method)
        for kind in rpc.response.fields_by_name:
            if kind in {"referral", "episode", "consultation", "hold"}:
                course.names.setdefault(kind, f"{kind}s/{_ID}")
                course.names.setdefault("episode", f"episodes/{_ID}")


def test_a_course_learns_names_from_replies() -> None:
    course = _course()
    created = referral_service_pb2.CreateReferralResponse()
    created.referral.name, created.referral.episode = f"referrals/{_ID}", f"episodes/{_ID}"
    course.learn(created)
    held = bed_service_pb2.HoldBedResponse()
    held.hold.name, held.hold.fencing_token = f"holds/{_ID}", 7
    course.learn(held)
    course.learn(referral_service_pb2.ListReferralsResponse())
    assert course.names == {
        "referral": f"referrals/{_ID}",
        "episode": f"episodes/{_ID}",
        "hold": f"holds/{_ID}",
    }
    assert course.fencing_token == 7


def test_an_emergency_is_a_whole_life() -> None:
    calls = calls_of("emergency")
    assert calls["CreateReferral"] == calls["CloseReferral"] == calls["VacateBed"] == 1
    assert calls["AcknowledgeAlert"] == 3


def test_the_network_has_beds_and_somebody_on_duty_wherever_the_load_comes() -> None:
    network = site()
    hospitals = {county_hospital(county) for county in range(COUNTIES)}
    branches = {branch(county, number) for county in range(COUNTIES) for number in range(BRANCHES)}
    assert network.directory.facility_ids() == hospitals | branches
    assert network.directory.wards.keys() == hospitals
    assert network.rosters.keys() == hospitals | branches
    assert {actor.facility for actor in network.people.values()} == hospitals | branches
