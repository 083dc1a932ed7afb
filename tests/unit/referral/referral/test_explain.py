"""What the norms say before anything is created."""

from dataclasses import replace

import pytest

from services.referral.domain.directory_state import EMPTY_DIRECTORY, Directory
from services.referral.domain.norms import SUGGESTIONS_MAX, ExplainReferral, explain
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral_values import Consent
from services.referral.domain.values import Direction, Pathway, Scope, Urgency
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.referral.network import DIRECTORY

E, R = Urgency.EMERGENCY, Urgency.ROUTINE

QUERY = ExplainReferral(urgency=E, pathway=Pathway.STROKE, consent=Consent(recorded=True))


def told(query: ExplainReferral, directory: Directory = DIRECTORY) -> dict[str, bool]:
    found = explain(query, actor_facility="wucaiwan", directory=directory, policy=DEFAULT_POLICY)
    return {each.facility: each.allowed for each in found}


def test_named_destinations_are_explained_in_their_order() -> None:
    named = replace(QUERY, destinations=("east-hospital", "jimsar-general"))
    found = explain(named, actor_facility="wucaiwan", directory=DIRECTORY, policy=DEFAULT_POLICY)
    assert [each.facility for each in found] == ["east-hospital", "jimsar-general"]
    assert [each.allowed for each in found] == [False, True]
    assert found[0].facility_name.zh == "城东医院"
    assert (found[0].direction, found[0].scope) == (Direction.UP, Scope.BETWEEN_COMMUNITIES)
    assert (found[0].travel_minutes, len(found[0].norms)) == (110, 8)


def test_without_destinations_the_capable_are_explained_the_best_first() -> None:
    assert told(QUERY) == {
        "jimsar-general": True,
        "east-hospital": False,
        "qitai-people": False,
        "changji-prefecture": False,
    }
    assert next(iter(told(QUERY))) == "jimsar-general"
    routine = told(replace(QUERY, urgency=R))
    assert routine["changji-prefecture"] is False
    assert list(routine)[-1] == "changji-prefecture"


def test_suggestions_are_bounded() -> None:
    many = {
        f"centre-{number}": replace(DIRECTORY.facilities["east-hospital"], id=f"centre-{number}")
        for number in range(50)
    }
    directory = replace(DIRECTORY, facilities={**DIRECTORY.facilities, **many})
    found = told(QUERY, directory)
    assert len(found) == SUGGESTIONS_MAX
    assert "jimsar-general" in found


def test_a_question_about_unknown_facilities_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        told(replace(QUERY, origin_facility="nowhere", destinations=("nobody",)))
    assert [each.field for each in caught.value.violations] == ["origin_facility", "destinations[0]"]
    with pytest.raises(InvalidInput):
        told(QUERY, EMPTY_DIRECTORY)


def test_the_origin_may_be_named_and_a_live_referral_counts() -> None:
    query = replace(QUERY, origin_facility="jimsar-town", destinations=("jimsar-general",))
    found = explain(
        query,
        actor_facility="wucaiwan",
        directory=DIRECTORY,
        policy=DEFAULT_POLICY,
        live_referrals=("referrals/1",),
    )
    assert (found[0].travel_minutes, found[0].allowed) == (10, False)


def test_suggestions_are_ordered_by_the_way_and_then_by_the_county() -> None:
    near = {**DIRECTORY.roads, "wucaiwan": {"qitai-people": 30, "east-hospital": 20}}
    directory = replace(DIRECTORY, roads=near)
    urgent = replace(QUERY, urgency=Urgency.URGENT)
    assert list(told(urgent, directory)) == [
        "east-hospital",
        "qitai-people",
        "jimsar-general",
        "changji-prefecture",
    ]
