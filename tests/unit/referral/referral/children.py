"""Referrals that another one opened, on charts of their own."""

from dataclasses import replace

from services.referral.domain import commands as c
from services.referral.domain.referral import opened_child
from services.referral.domain.referral_values import CrewLevel, Transport
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import EventMetadata
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import GENERAL, TOWN
from tests.unit.referral.referral.stories import ACCEPT, ARRIVE, DEPART, told

FOLLOW_UP = c.RecordFollowUp(findings="肌力4级")
RED_FLAG = c.RecordFollowUp(findings="右侧无力加重", red_flag="再发偏瘫")


def child_of(parent: Chart, actor: Actor = GENERAL) -> Chart:
    """The referral that the parent's last event opened, on a chart of its own."""
    metadata = metadata_of(parent, actor)
    opened = opened_child(parent.referral, parent.events[-1], metadata, parent.directory, parent.policy)
    if opened is None:
        raise AssertionError("no child was opened")
    name, event = opened
    chart = Chart(name=name, now=parent.now)
    chart.take([event], parent.context(actor))
    return chart


def metadata_of(chart: Chart, actor: Actor) -> EventMetadata:
    context = chart.context(actor)
    return EventMetadata(
        event_id="event",
        aggregate_id=chart.name,
        version=chart.referral.version,
        type=type(chart.events[-1]).__name__,
        occurred_at=context.occurred_at,
        recorded_at=context.recorded_at,
        actor=actor,
        request_id=context.request_id,
    )


def followed_up(parent: Chart) -> Chart:
    """The child after arrival and first follow-up."""
    own_means = replace(DEPART, transport=Transport(crew_level=CrewLevel.NONE))
    return told(
        (ACCEPT, TOWN), (own_means, GENERAL), (ARRIVE, TOWN), (FOLLOW_UP, TOWN), chart=child_of(parent)
    )
