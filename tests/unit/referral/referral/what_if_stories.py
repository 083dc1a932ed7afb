"""Recorded histories for the other course of events, and the directories and policies that are tried."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import Directory
from services.referral.domain.policy import DEFAULT_POLICY, ReferralPolicy, Terms
from services.referral.domain.values import Urgency
from services.referral.domain.what_if import Changed, compare
from services.referral.domain.what_if_course import Comparison
from services.referral.domain.what_if_habits import Habits
from services.referral.domain.what_if_record import RecordedReferral, recorded
from tests.unit.referral.referral.chart import CODEC, Chart
from tests.unit.referral.referral.network import COMMUNITIES, DIRECTORY, FACILITIES, applied


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
