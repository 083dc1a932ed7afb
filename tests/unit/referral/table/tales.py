"""Histories that the table's cases begin with, beside those of `stories.py`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.directory_state import Directory
from services.referral.domain.referral_values import (
    BedRegion,
    Dispatch,
    NormOverride,
    OfferState,
    ReferralState,
)
from services.referral.domain.review_values import RetrospectiveReview, ReviewState
from services.referral.domain.values import Urgency
from services.shared.kernel.actor import Actor, Role
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    CHANGJI,
    DIRECTORY,
    EAST,
    GENERAL,
    GENERAL_OFFICE,
    SYSTEM,
    WUCAIWAN,
    person,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRANGE,
    CREATE,
    ERROR,
    OUT_OF_COUNTY,
    REASON,
    TO_STATE,
    accepted,
    awaiting_approval,
    bed,
    bed_held,
    requested,
    told,
)

S = ReferralState
NON_TERMINAL = (
    *(S.AWAITING_APPROVAL, S.REQUESTED, S.INFO_REQUESTED, S.DECLINED, S.ACCEPTED, S.TRANSPORT_ARRANGED),
    *(S.IN_TRANSIT, S.NO_SHOW, S.ARRIVED, S.IN_TREATMENT, S.TREATED, S.CANCEL_REQUESTED),
)
ASK = c.RequestInformation(questions=("头颅CT？",))
DECLINE = c.DeclineReferral(reason=REASON)
WITHDRAW = c.WithdrawAcceptance(reason=REASON)
PAIR = replace(
    CREATE,
    destinations=("jimsar-general", "east-hospital"),
    overrides=(NormOverride(rule="NEAREST_CAPABLE", reason=REASON),),
)
ORDER = "standing_orders/5d9f7c5e-0000-4000-8000-000000000009"

AT_ONCE = replace(PAIR, dispatch=Dispatch.FIRST_TO_ACCEPT)


def of_origin(chart: Chart) -> Actor:
    return person(chart.referral.origin_facility, Role.CLINICIAN)


def of_custodian(chart: Chart) -> Actor:
    return person(chart.referral.custodian_facility, Role.CLINICIAN)


def nothing() -> Chart:
    return Chart()


def listed() -> Chart:
    """The county hospital is asked, another one is listed next."""
    return requested(PAIR)


def both_asked() -> Chart:
    return requested(AT_ONCE)


def one_asks() -> Chart:
    """The county hospital waits for an answer, the other has not looked yet."""
    return told((ASK, GENERAL), chart=both_asked())


def both_ask() -> Chart:
    return told((ASK, EAST), chart=one_asks())


def listed_question() -> Chart:
    """It asks, and nobody else is asked at the same time."""
    return told((ASK, GENERAL), chart=listed())


def other_declined() -> Chart:
    return told((DECLINE, EAST), chart=both_asked())


def other_declined_one_asks() -> Chart:
    return told((ASK, GENERAL), chart=other_declined())


def listed_accepted() -> Chart:
    return told((ACCEPT, GENERAL), (bed(BedNews.HELD), SYSTEM), chart=listed())


def listed_transport() -> Chart:
    return told((ARRANGE, WUCAIWAN), chart=listed_accepted())


def approval_of_a_branch() -> Chart:
    """The lead that approves is neither origin nor destination."""
    climbs = NormOverride(rule="LEVEL_BY_LEVEL", reason=REASON)
    return told((replace(OUT_OF_COUNTY, overrides=(climbs,)), WUCAIWAN))


def once_approved(story: Callable[[], Chart]) -> Chart:
    """The same history, but the neighbour's referral office had a word in it."""
    chart = story()
    if chart.state is not None:
        chart.state = replace(chart.state, approval_facility="jimsar-town")
    return chart


def approval_without_destinations() -> Chart:
    """The one destination left the directory before the approval."""
    left: Directory = replace(
        DIRECTORY,
        facilities={
            name: each for name, each in DIRECTORY.facilities.items() if name != "changji-prefecture"
        },
    )
    return awaiting_approval().fact(directory=left)


def asked_of_nobody(state: ReferralState) -> Chart:
    """Waiting for an answer, and every offer is closed: no command leads here, an old trail may."""
    chart = TO_STATE[state]()
    offers = [replace(offer, state=OfferState.LAPSED) for offer in chart.referral.offers]
    chart.state = replace(chart.referral, offers=tuple(offers))
    return chart


def lapsed(state: ReferralState) -> Chart:
    """In the state, and the hold has run out."""
    return told((bed(BedNews.HOLD_LAPSED), SYSTEM), chart=TO_STATE[state]())


def reminded(state: ReferralState, key: str) -> Chart:
    """In the state, and people were told once that its step is overdue."""
    chart = TO_STATE[state]()
    chart.due(key)
    return chart


def bed_unanswered(state: ReferralState) -> Chart:
    """In the state, and the bed service has not said a word."""
    chart = TO_STATE[state]()
    chart.state = replace(chart.referral, bed_region=BedRegion.REQUESTED, bed=None)
    return chart


def incomplete(state: ReferralState) -> Chart:
    """In the state, and the record still lacks something that it is given time for."""
    chart = TO_STATE[state]()
    chart.state = replace(
        chart.referral, record_due_at=chart.now + timedelta(hours=6), missing_elements=("allergies",)
    )
    return chart


def to_review(state: ReferralState) -> Chart:
    """In the state, having left the county: the neighbour's office has the last word."""
    chart = TO_STATE[state]()
    review = RetrospectiveReview(
        state=ReviewState.PENDING, facility="jimsar-town", due_at=chart.now + timedelta(hours=72)
    )
    chart.state = replace(chart.referral, approval_facility="jimsar-town", review=review)
    return chart


def standing(state: ReferralState) -> Chart:
    """In the state, with visits still to come."""
    chart = TO_STATE[state]()
    chart.state = replace(chart.referral, standing_order=ORDER)
    return chart


def no_bed_accepted() -> Chart:
    return accepted()


def no_bed_wanted() -> Chart:
    return accepted(replace(CREATE, bed_type=None))


def bypass_granted() -> Chart:
    """The destination takes the patient although there is no bed."""
    return told((GrantBypass(reason=REASON), GENERAL), chart=no_bed_accepted())


def bypassing() -> Chart:
    """Transport is arranged, the bed is lost, and the destination takes the patient all the same."""
    return told(
        (ARRANGE, WUCAIWAN),
        (bed(BedNews.HOLD_LAPSED), SYSTEM),
        (GrantBypass(reason=REASON), GENERAL),
        chart=bed_held(),
    )


def routine_accepted() -> Chart:
    return accepted(replace(CREATE, urgency=Urgency.ROUTINE))


def once_accepted(state: ReferralState) -> Chart:
    """In the state, after an acceptance that may have been taken back since."""
    chart = TO_STATE[state]()
    chart.state = replace(chart.referral, was_accepted=True)
    return chart


def two_asked_called_an_error() -> Chart:
    """An acceptance was taken back; two are asked now, one of them in another community."""
    chart = both_asked()
    chart.state = replace(chart.referral, was_accepted=True)
    return told((ERROR, WUCAIWAN), chart=chart)


def called_an_error(state: ReferralState) -> Chart:
    """The origin has said so of a referral that was accepted once."""
    chart = once_accepted(state)
    return told((ERROR, of_origin(chart)), chart=chart)


def filing_needed() -> Chart:
    far = replace(
        OUT_OF_COUNTY,
        urgency=Urgency.URGENT,
        destinations=("xinjiang-4th",),
        overrides=(NormOverride(rule="LEVEL_BY_LEVEL", reason=REASON),),
    )
    return told(
        (far, GENERAL),
        (c.ApproveReferral(), GENERAL_OFFICE),
        (ACCEPT, person("xinjiang-4th", *CHANGJI.roles)),
        (ARRANGE, GENERAL),
    )


def later(state: ReferralState, hours: int = 4) -> Chart:
    return TO_STATE[state]().later(hours=hours)
