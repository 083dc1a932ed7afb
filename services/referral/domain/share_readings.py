"""What should be done for so many of all patients, asked at each door: an ECG sent ahead, a room passed by.

The chest pain centre standard (2016, primary edition) tells patients who are sent on by another facility from
those whom an ambulance fetches, and asks for a share of each.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.clocks import held_moves, is_on_the_way_up
from services.referral.domain.clocks_targets import Confidence, ShareMeasure, SourcedShare
from services.referral.domain.episode_state import Episode
from services.referral.domain.milestones import ArrivalMode, FirstStation, Milestone, MilestoneKind, first_of
from services.shared.kernel.text import BilingualText

_DIRECT = frozenset({FirstStation.CT_ROOM, FirstStation.CATH_LAB})


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareReading:
    """One share at one door: whether it was done for this patient."""

    key: str
    label: BilingualText
    #: whose number it is
    facility: str
    #: name of the DOOR_IN milestone
    door: str
    arrived_at: datetime
    #: None where nobody recorded it
    met: bool | None
    at_least_percent: int
    source: BilingualText
    confidence: Confidence


def share_readings(episode: Episode, shares: Iterable[SourcedShare]) -> tuple[ShareReading, ...]:
    """The shares of the episode's pathway, at each door through which the patient came so."""
    return tuple(
        reading
        for share in shares
        if share.pathway is episode.pathway and share.measure is not None
        for reading in _at_doors(episode, share, share.measure)
    )


def arrived_by(episode: Episode, entry: Milestone) -> ArrivalMode | None:
    """How the patient came through this door: a referral says so itself, the rest is as recorded."""
    before = [
        m
        for m in episode.milestones
        if m.kind in (MilestoneKind.DOOR_IN, MilestoneKind.DOOR_OUT)
        and m.facility != entry.facility
        and m.true_time() <= entry.true_time()
    ]
    for move in held_moves(episode):
        came_from_it = not before or before[-1].facility == move.sending_facility
        sent_here = move.sending_facility != entry.facility and move.decided_at <= entry.true_time()
        if came_from_it and sent_here:
            return ArrivalMode.TRANSFER
    return entry.arrived_by


def _at_doors(episode: Episode, share: SourcedShare, measure: ShareMeasure) -> Iterator[ShareReading]:
    for entry in episode.milestones:
        if entry.kind is not MilestoneKind.DOOR_IN or not is_on_the_way_up(episode, entry):
            continue
        if arrived_by(episode, entry) is not share.arrived_by:
            continue
        yield ShareReading(
            key=share.key,
            label=share.label,
            facility=entry.facility,
            door=entry.name,
            arrived_at=entry.true_time(),
            met=_met(episode, entry, measure),
            at_least_percent=share.at_least_percent,
            source=share.source,
            confidence=share.confidence,
        )


def _met(episode: Episode, entry: Milestone, measure: ShareMeasure) -> bool | None:
    match measure:
        case ShareMeasure.ECG_SENT_BEFORE_ARRIVAL:
            # What was not recorded as sent was not sent: its milestone is the evidence that is asked for.
            sent = first_of(episode.milestones, MilestoneKind.ECG_SENT)
            return sent is not None and sent.true_time() < entry.true_time()
        case ShareMeasure.EMERGENCY_ROOM_BYPASSED:
            return None if entry.taken_to is None else entry.taken_to in _DIRECT
