"""Looks up what came of a case, through the same public API."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.operator.casefile.model import Directory, ExpectedAlert
from services.operator.playing.event_details import event_detail
from services.operator.playing.results import AlertDelivery, StepFailed
from services.operator.playing.stage import Stage
from services.operator.playing.summary import AlertRow, ClockRow, TimelineRow
from services.operator.rpc.paths import read_path
from services.operator.rpc.values import moment_of
from services.shared.kernel.text import BilingualText
from tierlink.notification.v1 import alert_pb2
from tierlink.referral.v1 import episode_pb2, timeline_pb2
from tierlink.type.v1 import type_pb2

_SETTLE_S = 30.0
_POLL_S = 0.1
_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """The messages that the report is made of."""

    #: GetEpisodeResponse
    episode: Any
    timeline: tuple[timeline_pb2.TimelineEntry, ...]
    alerts: tuple[alert_pb2.Alert, ...]


async def collect(stage: Stage, *, is_finished: bool) -> Collected:
    """Looks; after the last step, waits first for what other services still have to do. Raises CallFailed."""
    case = stage.case
    episode_name = _filled(stage, case.episode)
    if not episode_name:
        return Collected(episode=None, timeline=(), alerts=())
    alerts = await _settled_alerts(stage, episode_name, _SETTLE_S if is_finished else 0.0)
    episode = await stage.ask("GetEpisode", {"name": episode_name})
    referral = _filled(stage, case.referral)
    timeline: tuple[timeline_pb2.TimelineEntry, ...] = ()
    if referral:
        timeline = await _whole_timeline(stage, referral)
    return Collected(episode=episode, timeline=timeline, alerts=alerts)


async def _whole_timeline(stage: Stage, referral: str) -> tuple[timeline_pb2.TimelineEntry, ...]:
    entries: list[timeline_pb2.TimelineEntry] = []
    asked = {"name": referral, "whole_episode": True}
    token = ""
    while True:
        answer = await stage.ask("GetTimeline", {**asked, "page_token": token})
        entries.extend(answer.entries)
        token = answer.next_page_token
        if not token:
            return tuple(entries)


def matches(expected: ExpectedAlert, subject: str, alert: alert_pb2.Alert) -> bool:
    """Whether it is the alert that is meant."""
    return (alert.rule, alert.facility, alert.subject) == (expected.rule, expected.facility, subject)


def timeline_rows(entries: Iterable[timeline_pb2.TimelineEntry]) -> tuple[TimelineRow, ...]:
    """The timeline in the order in which the service gives it."""
    return tuple(_timeline_row(entry) for entry in entries)


def clock_rows(clocks: Iterable[episode_pb2.Clock], directory: Directory) -> tuple[ClockRow, ...]:
    """The clocks of an episode."""
    return tuple(_clock_row(clock, directory) for clock in clocks)


def alert_rows(
    alerts: Iterable[alert_pb2.Alert], deliveries: Iterable[AlertDelivery], directory: Directory
) -> tuple[AlertRow, ...]:
    """The alerts of an episode, by clinical time."""
    delivered: dict[str, float] = {}
    for delivery in deliveries:
        delivered.setdefault(delivery.alert, delivery.delivery_ms)
    rows = [_alert_row(alert, delivered.get(alert.name), directory) for alert in alerts]
    return tuple(sorted(rows, key=lambda row: (row.occurred_at is None, row.occurred_at, row.rule)))


async def _settled_alerts(stage: Stage, episode: str, within_s: float) -> tuple[alert_pb2.Alert, ...]:
    """The episode's alerts as soon as those that the case expects are in their final states.

    When they do not get there in time, the alerts as they are: the verdict names what is wrong.
    """
    deadline_s = time.monotonic() + within_s
    while True:
        alerts = await _all_alerts(stage, episode)
        settled = all(
            any(
                matches(expected, _filled(stage, expected.subject), alert)
                and read_path(alert, "state") == expected.state
                for alert in alerts
            )
            for expected in stage.case.alerts
        )
        if settled or time.monotonic() > deadline_s:
            return alerts
        await asyncio.sleep(_POLL_S)


async def _all_alerts(stage: Stage, episode: str) -> tuple[alert_pb2.Alert, ...]:
    answer = await stage.ask("ListAlerts", {"episode": episode, "page_size": _PAGE})
    return tuple(answer.alerts)


def _filled(stage: Stage, template: str) -> str:
    """The template's value; empty when the case did not come far enough to have one."""
    try:
        return str(stage.fill(template))
    except StepFailed:
        return ""


def _timeline_row(entry: timeline_pb2.TimelineEntry) -> TimelineRow:
    metadata = entry.metadata
    level = str(read_path(entry, "facility_level"))
    return TimelineRow(
        occurred_at=moment_of(metadata.occurred_at),
        recorded_at=moment_of(metadata.recorded_at),
        level="" if level == "UNSPECIFIED" else level,
        facility=entry.facility,
        facility_name=_bilingual(entry.facility_name, entry.facility),
        actor_user=metadata.actor.user,
        actor_name=metadata.actor.name,
        actor_roles=tuple(metadata.actor.roles),
        aggregate_kind=entry.aggregate_kind,
        aggregate=metadata.aggregate_id,
        version=metadata.version,
        type=metadata.type,
        text=_bilingual(entry.text, metadata.type),
        detail=event_detail(entry),
        hash=entry.hash.hex(),
    )


def _clock_row(clock: episode_pb2.Clock, directory: Directory) -> ClockRow:
    return ClockRow(
        key=clock.key,
        label=_bilingual(clock.label, clock.key),
        facility=clock.facility,
        facility_name=directory.facility_name(clock.facility),
        started_at=moment_of(clock.started_at),
        stopped_at=moment_of(clock.stopped_at) if clock.HasField("stopped_at") else None,
        elapsed_s=clock.elapsed_s if clock.HasField("elapsed_s") else None,
        target_s=clock.target_s,
        stretch_s=clock.stretch_s if clock.HasField("stretch_s") else None,
        status=str(read_path(clock, "status")),
        source=_bilingual(clock.target_source_text, clock.target_source),
        confidence=clock.target_confidence,
    )


def _alert_row(alert: alert_pb2.Alert, delivery_ms: float | None, directory: Directory) -> AlertRow:
    occurred_at = _moment(alert, "occurred_at")
    acknowledged_at = _moment(alert, "acknowledge_time")
    response_s = None
    if occurred_at is not None and acknowledged_at is not None:
        response_s = (acknowledged_at - occurred_at).total_seconds()
    return AlertRow(
        name=alert.name,
        rule=alert.rule,
        severity=str(read_path(alert, "severity")),
        facility=alert.facility,
        facility_name=directory.facility_name(alert.facility),
        role=alert.role,
        title=_bilingual(alert.title, alert.rule),
        subject=alert.subject,
        state=str(read_path(alert, "state")),
        occurred_at=occurred_at,
        acknowledged_at=acknowledged_at,
        acknowledged_by=alert.acknowledged_by.user,
        acknowledged_by_name=alert.acknowledged_by.name,
        response_s=response_s,
        delivery_ms=delivery_ms,
        resolution=alert.resolution,
    )


def _moment(alert: alert_pb2.Alert, field: Any) -> Any:
    value: Timestamp = getattr(alert, field)
    return moment_of(value) if alert.HasField(field) else None


def _bilingual(text: type_pb2.BilingualText, otherwise: str) -> BilingualText:
    return BilingualText(zh=text.zh or text.en or otherwise, en=text.en or text.zh or otherwise)


def versions(collected: Collected) -> Mapping[str, int]:
    """The version of each resource of the episode, for the verification of its timeline."""
    answer = collected.episode
    if answer is None:
        return {}
    resources = (answer.episode, *answer.referrals, *answer.consultations)
    return {resource.name: resource.version for resource in resources}
