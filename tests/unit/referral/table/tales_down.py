"""Tales of referrals down, and of the tasks of their plan."""

from collections.abc import Callable
from dataclasses import replace

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain.referral_values import CrewLevel, ReferralState, Transport
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.children import followed_up
from tests.unit.referral.referral.network import GENERAL, TOWN
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRANGE,
    COMPLETE,
    DEPART,
    down_arrived,
    referred_back,
    told,
)
from tests.unit.referral.referral.stories import DOWN as DOWNWARD

OWN_MEANS = Transport(crew_level=CrewLevel.NONE)


def down_accepted() -> Chart:
    return told((DOWNWARD, GENERAL), (ACCEPT, TOWN))


def down_transport() -> Chart:
    return told((replace(ARRANGE, transport=OWN_MEANS), GENERAL), chart=down_accepted())


def down_in_transit() -> Chart:
    return told((replace(DEPART, transport=OWN_MEANS), GENERAL), chart=down_accepted())


def down_in_treatment() -> Chart:
    return told((c.StartTreatment(), TOWN), chart=down_arrived())


def down_treated() -> Chart:
    return told((COMPLETE, TOWN), chart=down_in_treatment())


#: A referral down in each state in which its plan counts.
DOWN: dict[ReferralState, Callable[[], Chart]] = {
    ReferralState.ACCEPTED: down_accepted,
    ReferralState.TRANSPORT_ARRANGED: down_transport,
    ReferralState.IN_TRANSIT: down_in_transit,
    ReferralState.ARRIVED: down_arrived,
    ReferralState.IN_TREATMENT: down_in_treatment,
    ReferralState.TREATED: down_treated,
}


def task_missed(state: ReferralState) -> Chart:
    chart = DOWN[state]()
    chart.due("task:t1")
    return chart


def task_done() -> Chart:
    return told((pc.CompleteTask(task="t1"), TOWN), chart=down_arrived())


def task_left() -> Chart:
    """Followed up and treated, and one task is nobody's."""
    return told((c.RecordFollowUp(findings="肌力4级"), TOWN), chart=down_treated())


def back_and_followed_up() -> Chart:
    """Referred back, arrived there and followed up."""
    parent = referred_back()
    return parent.fact(child=followed_up(parent).referral)
