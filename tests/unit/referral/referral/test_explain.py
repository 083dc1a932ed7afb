"""What is known before a referral is created."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain.acceptance_times import Acceptance
from services.referral.domain.directory_state import EMPTY_DIRECTORY, Directory
from services.referral.domain.explaining import (
    SUGGESTIONS_MAX,
    DestinationExplanation,
    ExplainReferral,
    Known,
    explain,
    question,
)
from services.referral.domain.policy import DEFAULT_POLICY, ReferralPolicy
from services.referral.domain.referral_values import Consent
from services.referral.domain.values import BedType, Direction, Pathway, Scope, Urgency
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.referral.network import DIRECTORY, START
from tests.unit.referral.referral.wards import ward

E, R = Urgency.EMERGENCY, Urgency.ROUTINE

QUERY = ExplainReferral(urgency=E, pathway=Pathway.STROKE, consent=Consent(recorded=True))
AWAY = replace(QUERY, urgency=R, pathway=Pathway.GENERAL, origin_facility="jimsar-general")
NOTHING: Mapping[str, Known] = {}


def answers(
    query: ExplainReferral,
    known: Mapping[str, Known] = NOTHING,
    *,
    directory: Directory = DIRECTORY,
    live: tuple[str, ...] = (),
    policy: ReferralPolicy = DEFAULT_POLICY,
) -> tuple[DestinationExplanation, ...]:
    asked = question(
        query,
        actor_facility="wucaiwan",
        directory=directory,
        policy=policy,
        live_referrals=live,
        now=START,
    )
    return explain(asked, known, START)


def told(query: ExplainReferral, directory: Directory = DIRECTORY) -> dict[str, bool]:
    return {each.facility: each.allowed for each in answers(query, directory=directory)}


def test_named_destinations_are_ranked_and_judged_as_if_each_were_asked_first() -> None:
    found = answers(replace(QUERY, destinations=("east-hospital", "jimsar-general")))
    assert [each.facility for each in found] == ["jimsar-general", "east-hospital"]
    assert [each.allowed for each in found] == [True, False]
    east = found[1]
    assert east.facility_name.zh == "城东医院"
    assert (east.direction, east.scope) == (Direction.UP, Scope.BETWEEN_COMMUNITIES)
    assert (east.travel_minutes, len(east.norms)) == (110, 8)


def test_the_second_nearest_may_be_asked_second() -> None:
    found = answers(replace(QUERY, destinations=("east-hospital", "jimsar-general")))
    assert [each.allowed_in_order for each in found] == [True, True]
    (alone,) = answers(replace(QUERY, destinations=("east-hospital",)))
    assert not alone.allowed_in_order


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
    (found,) = answers(query, live=("referrals/1",))
    assert (found.travel_minutes, found.allowed, found.allowed_in_order) == (10, False, False)


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


def test_beds_of_the_asked_type_decide_between_two_that_are_equally_far() -> None:
    directory = replace(
        DIRECTORY, roads={"wucaiwan": {"east-hospital": 30, "jimsar-general": 30, "qitai-people": 30}}
    )
    known = {
        "jimsar-general": Known(wards=(ward("jg", BedType.STROKE_UNIT, free=1),)),
        "qitai-people": Known(wards=(ward("qt", BedType.STROKE_UNIT, free=2),)),
        "east-hospital": Known(wards=(ward("eh", BedType.GENERAL, free=9),)),
    }
    query = replace(QUERY, bed_type=BedType.STROKE_UNIT)
    found = [each.facility for each in answers(query, known, directory=directory)[:3]]
    assert found == ["qitai-people", "jimsar-general", "east-hospital"]
    by_all = [each.facility for each in answers(QUERY, known, directory=directory)[:3]]
    assert by_all == ["east-hospital", "qitai-people", "jimsar-general"]


def test_counts_that_nobody_confirmed_lately_promise_nothing() -> None:
    directory = replace(DIRECTORY, roads={"wucaiwan": {"east-hospital": 30, "jimsar-general": 30}})
    stale = ward("eh", BedType.GENERAL, free=9, confirmed=timedelta(hours=9))
    known = {
        "east-hospital": Known(wards=(stale,)),
        "jimsar-general": Known(wards=(ward("jg", BedType.GENERAL, free=1),)),
    }
    found = answers(
        replace(QUERY, destinations=("east-hospital", "jimsar-general")), known, directory=directory
    )
    assert [each.facility for each in found] == ["jimsar-general", "east-hospital"]
    (shown,) = found[1].free_beds
    assert (shown.free, shown.age_s, shown.stale) == (9, 9 * 3600, True)


def test_the_wait_decides_last() -> None:
    directory = replace(DIRECTORY, roads={"wucaiwan": {"east-hospital": 30, "jimsar-general": 30}})
    known = {"jimsar-general": Known(acceptances=cases("jimsar-general", 5))}
    query = replace(QUERY, destinations=("east-hospital", "jimsar-general"))
    found = answers(query, known, directory=directory)
    assert [each.facility for each in found] == ["jimsar-general", "east-hospital"]
    wait = found[0].expected_wait
    assert wait is not None
    assert (wait.cases, wait.median_s, found[1].expected_wait) == (5, 180, None)


def cases(facility: str, number: int) -> tuple[Acceptance, ...]:
    """Accepted 1, 2, 3 … minutes after the offer, one a day."""
    return tuple(
        Acceptance(
            offer=f"offers/{each}",
            facility=facility,
            urgency=E,
            accepted_at=START - timedelta(days=each),
            waited_s=60 * each,
        )
        for each in range(1, number + 1)
    )


def test_who_is_alerted_and_when() -> None:
    (found,) = answers(replace(QUERY, destinations=("jimsar-general",)))
    told_of = [(each.event, each.after_s, each.facility, each.command) for each in found.alerts]
    assert told_of == [
        ("ReferralRequested", 0, "jimsar-general", "AcceptReferral"),
        ("OfferOverdue", 120, "jimsar-general", "AcceptReferral"),
        ("OfferLapsed", 600, "wucaiwan", "RerouteReferral"),
    ]
    offer, _, lapsed = found.alerts
    assert (offer.roles, offer.centre) == (("clinician",), "STROKE")
    assert offer.text.zh == "向吉木萨尔县总医院发出转诊申请，2分钟内签收"
    assert offer.text.en == "Jimsar General is asked, and acknowledges within 2 min"
    assert (lapsed.roles, lapsed.centre) == (("clinician", "referral_office", "coordinator"), "")


def test_out_of_the_county_the_approver_is_asked_first() -> None:
    (found,) = answers(replace(AWAY, destinations=("changji-prefecture",)))
    assert (found.needs_approval, found.approval_in_retrospect) == (True, False)
    assert found.approval_facility == "jimsar-general"
    first, second = found.alerts[:2]
    assert (first.event, first.facility, first.roles) == (
        "ReferralRequested",
        "jimsar-general",
        ("referral_office",),
    )
    assert first.text.zh.startswith("转往县外，须先经吉木萨尔县总医院转诊办审批（7天内有效）")
    assert (second.event, second.facility, second.centre) == ("ReferralApproved", "changji-prefecture", "")


def test_an_emergency_out_of_the_county_says_who_reviews_it_afterwards() -> None:
    (found,) = answers(replace(QUERY, destinations=("qitai-people",)))
    assert (found.needs_approval, found.approval_in_retrospect) == (False, True)
    assert found.approval_facility == "jimsar-general"
    last = found.alerts[-1]
    assert (last.event, last.facility, last.command, last.roles) == (
        "ReferralAccepted",
        "jimsar-general",
        "ReviewReferral",
        ("referral_office",),
    )
    assert last.text.zh == "转往县外，接收后72小时内由吉木萨尔县总医院转诊办补审"


def test_within_the_county_nobody_approves() -> None:
    (found,) = answers(replace(QUERY, destinations=("jimsar-general",)))
    assert (found.needs_approval, found.approval_in_retrospect, found.approval_facility) == (False, False, "")
