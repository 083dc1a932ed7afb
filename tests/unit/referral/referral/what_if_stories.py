"""Recorded histories for the other course of events, and the directories and policies that are tried."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.referral.domain import commands as c
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import Directory
from services.referral.domain.policy import DEFAULT_POLICY, ReferralPolicy, Terms
from services.referral.domain.referral_values import Dispatch
from services.referral.domain.values import Urgency
from services.referral.domain.what_if import Changed, compare
from services.referral.domain.what_if_course import Comparison
from services.referral.domain.what_if_habits import Habits
from services.referral.domain.what_if_record import RecordedReferral, recorded
from tests.unit.referral.referral.chart import CODEC, Chart
from tests.unit.referral.referral.network import (
    CHANGJI,
    COMMUNITIES,
    DIRECTORY,
    EAST,
    FACILITIES,
    GENERAL,
    GENERAL_OFFICE,
    WUCAIWAN,
    applied,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRANGE,
    CANCEL,
    CREATE,
    DEPART,
    OUT_OF_COUNTY,
    REASON,
)

LISTED = replace(CREATE, destinations=("jimsar-general", "east-hospital"))
DECLINE = c.DeclineReferral(reason=REASON)
SEEN = c.AcknowledgeOffer()


def accepted(command: c.CreateReferral = LISTED, minutes: float = 4) -> Chart:
    """Asked at the county hospital, seen after a minute, accepted later."""
    chart = Chart()
    chart.when(command, WUCAIWAN)
    chart.later(minutes=1).when(SEEN, GENERAL)
    chart.later(minutes=minutes - 1).when(ACCEPT, GENERAL)
    return chart


def declined_then_accepted() -> Chart:
    return of_east(ACCEPT, 2)


def of_east(command: c.Command, minutes: float, number: int = 1) -> Chart:
    """The county hospital declines, and then this one says its word."""
    chart = Chart(name=f"referrals/5d9f7c5e-0000-4000-8000-00000000000{number}")
    chart.when(LISTED, WUCAIWAN)
    chart.later(minutes=3).when(DECLINE, GENERAL)
    chart.later(minutes=minutes).when(command, EAST)
    return chart


def departed(command: c.CreateReferral = LISTED) -> Chart:
    chart = accepted(replace(command, bed_type=None))
    chart.later(minutes=10).when(ARRANGE, WUCAIWAN)
    chart.later(minutes=5).when(DEPART, WUCAIWAN)
    return chart


def lapsed_and_rerouted() -> Chart:
    chart = Chart()
    chart.when(CREATE, WUCAIWAN)
    chart.due("decide")
    chart.later(minutes=7).when(c.RerouteReferral(destinations=("east-hospital",)), WUCAIWAN)
    chart.later(minutes=2).when(ACCEPT, EAST)
    return chart


def asked_at_once() -> Chart:
    chart = Chart()
    chart.when(replace(LISTED, dispatch=Dispatch.FIRST_TO_ACCEPT), WUCAIWAN)
    chart.later(minutes=1).when(SEEN, EAST)
    chart.later(minutes=2, seconds=0.4).when(ACCEPT, GENERAL)
    return chart


def approved() -> Chart:
    chart = Chart()
    chart.when(OUT_OF_COUNTY, GENERAL)
    chart.later(hours=3).when(c.ApproveReferral(), GENERAL_OFFICE)
    chart.later(hours=1).when(ACCEPT, CHANGJI)
    return chart


def approval_refused() -> Chart:
    chart = Chart()
    chart.when(OUT_OF_COUNTY, GENERAL)
    chart.later(hours=3).when(c.RefuseApproval(reason=REASON), GENERAL_OFFICE)
    return chart


def acceptance_withdrawn() -> Chart:
    chart = accepted()
    chart.later(minutes=9).when(c.WithdrawAcceptance(reason=REASON), GENERAL)
    chart.later(minutes=2).when(ACCEPT, EAST)
    return chart


def cancelled() -> Chart:
    chart = Chart()
    chart.when(CREATE, WUCAIWAN)
    chart.later(minutes=3).when(CANCEL, WUCAIWAN)
    return chart


def acceptance_withdrawn_and_nobody_left() -> Chart:
    chart = accepted(CREATE)
    chart.later(minutes=9).when(c.WithdrawAcceptance(reason=REASON), GENERAL)
    return chart


STORIES = (
    acceptance_withdrawn_and_nobody_left,
    accepted,
    declined_then_accepted,
    lapsed_and_rerouted,
    asked_at_once,
    approved,
    approval_refused,
    acceptance_withdrawn,
    cancelled,
)


def read(chart: Chart) -> RecordedReferral:
    """What the stored bytes of a chart say."""
    found = recorded([CODEC.decode(each) for each in chart.stored])
    if found is None:
        raise AssertionError("it was entered in error")
    return found


def without(*closed: str) -> Directory:
    """The directory with some facilities closed."""
    kept = [
        replace(each, travel_minutes={to: m for to, m in each.travel_minutes.items() if to not in closed})
        for each in FACILITIES
        if each.id not in closed
    ]
    communities = [each for each in COMMUNITIES if each.lead not in closed]
    ids = {each.id for each in communities}
    facilities = [each if each.community in ids else replace(each, community="") for each in kept]
    return applied(ApplyDirectory(communities=tuple(communities), facilities=tuple(facilities)))


def with_terms(urgency: Urgency, **changes: int) -> ReferralPolicy:
    """The policy with other limits of one urgency."""
    terms: Terms = replace(DEFAULT_POLICY.terms_by_urgency[urgency], **changes)  # type: ignore[arg-type]
    return replace(DEFAULT_POLICY, terms_by_urgency={**DEFAULT_POLICY.terms_by_urgency, urgency: terms})


def what_if(
    chart: Chart,
    *,
    directory: Directory = DIRECTORY,
    policy: ReferralPolicy = DEFAULT_POLICY,
    others: Sequence[Chart] = (),
    door_in_at: datetime | None = None,
) -> Comparison:
    """Both courses of a chart; `others` are recorded beside it."""
    referral = read(chart)
    habits = Habits([referral, *map(read, others)])
    return compare(referral, door_in_at, Changed(directory=directory, policy=policy), habits)
