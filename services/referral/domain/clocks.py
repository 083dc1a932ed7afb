"""Clocks of an episode: how long it took, forward; until when it must happen, backward.

They are computed from the milestones in force across all referrals, and never stored. A passed window
warns and never blocks a clinician.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.referral.domain.clocks_targets import ClockTarget, Confidence, CountsFor
from services.referral.domain.episode_state import Episode
from services.referral.domain.episode_values import ClockExclusion, EpisodeState, OnwardMove
from services.referral.domain.milestones import Milestone, MilestoneKind, first_of
from services.shared.kernel.text import BilingualText

_SECOND = timedelta(seconds=1)
#: what a patient is taken elsewhere for: a clock that waits for anything else is met where he is
_TRAVELLED_FOR = frozenset({MilestoneKind.THROMBOLYSIS, MilestoneKind.PUNCTURE, MilestoneKind.WIRE_CROSSING})
_DOORS = (MilestoneKind.DOOR_IN, MilestoneKind.DOOR_OUT)


class ClockStatus(StrEnum):
    """How a clock stands against its target."""

    RUNNING = "RUNNING"
    MET = "MET"
    #: stopped after its target, or still running past it
    MISSED = "MISSED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """One interval between two milestones, beside its target, the target's source and confidence."""

    key: str
    label: BilingualText
    #: facility whose doors it counts; empty when it has none
    facility: str
    started_at: datetime
    #: None while it runs
    stopped_at: datetime | None
    #: None while it runs
    elapsed_s: int | None
    target_s: int
    stretch_s: int | None
    status: ClockStatus
    target_source: str
    target_source_text: BilingualText
    target_confidence: Confidence
    #: the latest moment at which it can stop and still meet its target
    stop_by: datetime
    #: name of the milestone it starts with
    started_by: str
    #: name of the milestone that stopped it; empty while it runs
    stopped_by: str
    #: a wider window for selected patients
    selected_s: int | None = None
    #: why it does not count in means and shares; None when it counts
    exclusion: ClockExclusion | None = None
    #: where its first milestone happened: whose number it is
    measured_at: str = ""
    #: the latest moment to leave that still meets the target; None when that is not known, or it has stopped
    leave_by: datetime | None = None


def clocks(
    episode: Episode, targets: Iterable[ClockTarget], now: datetime | None = None
) -> tuple[Clock, ...]:
    """The clocks of the episode's pathway, in the order of `targets`.

    With `now` a clock that runs past its target is MISSED; without it every clock without an end is RUNNING.
    A clock that never stopped is left out of a closed episode: nothing can stop it any more.
    """
    found = []
    for target in targets:
        if target.pathway is episode.pathway:
            for start, stop in _intervals(episode, target):
                if stop is not None or episode.state is not EpisodeState.CLOSED:
                    found.append(_clock(episode, target, start, stop, now))
    return tuple(found)


def latest_departure(clock: Clock, *, travel_s: int, after_arrival_s: int = 0) -> datetime | None:
    """The latest moment to leave that still meets the clock's target.

    `travel_s` is the way; `after_arrival_s` what the destination needs from its door to the milestone (its
    usual door-to-needle time). None when the clock has stopped.
    """
    if clock.stopped_at is not None:
        return None
    return clock.stop_by - timedelta(seconds=travel_s + after_arrival_s)


def with_departure(
    episode: Episode, found: Iterable[Clock], targets: Iterable[ClockTarget], travel_s: int | None
) -> tuple[Clock, ...]:
    """Each running clock with the latest moment to leave, for a patient whose way takes `travel_s`.

    Door-in-door-out ends with leaving, so it needs no way. Other doors' clocks stop where they started: no
    way meets them. None as `travel_s`: the way is not known.
    """
    by_key = {target.key: target for target in targets if target.pathway is episode.pathway}
    return tuple(_with_departure(clock, by_key[clock.key], travel_s) for clock in found)


def _with_departure(clock: Clock, target: ClockTarget, travel_s: int | None) -> Clock:
    if target.counts_for is CountsFor.SENDING_DOOR:
        return replace(clock, leave_by=latest_departure(clock, travel_s=0))
    if target.of_a_door() or travel_s is None or target.stop not in _TRAVELLED_FOR:
        return clock
    leave_by = latest_departure(clock, travel_s=travel_s, after_arrival_s=target.after_arrival_s)
    return replace(clock, leave_by=leave_by)


def _exclusion(episode: Episode, key: str, facility: str) -> ClockExclusion | None:
    for each in episode.exclusions:
        if (each.key, each.facility) == (key, facility):
            return each
    return None


def _clock(
    episode: Episode, target: ClockTarget, start: Milestone, stop: Milestone | None, now: datetime | None
) -> Clock:
    facility = start.facility if target.of_a_door() else ""
    started_at = start.true_time()
    stopped_at = stop.true_time() if stop else None
    stop_by = started_at + timedelta(seconds=target.target_s)
    if stopped_at is not None:
        status = ClockStatus.MET if stopped_at <= stop_by else ClockStatus.MISSED
    else:
        status = ClockStatus.MISSED if now is not None and now > stop_by else ClockStatus.RUNNING
    return Clock(
        key=target.key,
        label=target.label,
        facility=facility,
        started_at=started_at,
        stopped_at=stopped_at,
        elapsed_s=(stopped_at - started_at) // _SECOND if stopped_at is not None else None,
        target_s=target.target_s,
        stretch_s=target.stretch_s,
        status=status,
        target_source=target.source.en,
        target_source_text=target.source,
        target_confidence=target.confidence,
        stop_by=stop_by,
        started_by=start.name,
        stopped_by=stop.name if stop else "",
        selected_s=target.selected_s,
        exclusion=_exclusion(episode, target.key, facility),
        measured_at=start.facility,
    )


def _intervals(episode: Episode, target: ClockTarget) -> Iterator[tuple[Milestone, Milestone | None]]:
    """Start and stop of every clock that `target` gives, those which do not count left out."""
    candidates = _at_doors(episode, target) if target.of_a_door() else _across(episode, target)
    for start, stop in candidates:
        other = first_of(episode.milestones, *target.moot_after)
        moot = other and (stop is None or other.true_time() <= stop.true_time())
        place = (m for m in episode.milestones if not target.of_a_door() or m.facility == start.facility)
        wanted = not target.only_with or first_of(place, *target.only_with)
        if wanted and not moot:
            yield start, stop


def _across(episode: Episode, target: ClockTarget) -> Iterator[tuple[Milestone, Milestone | None]]:
    """The one interval of an episode: from its first start to the first stop after it."""
    if target.counts_for is CountsFor.TRANSFERRED_PATIENT and not held_moves(episode):
        return
    known = (first_of(episode.milestones, kind) for kind in target.start)
    start = next((milestone for milestone in known if milestone), None)
    if start is not None:
        began = start.true_time()
        yield (
            start,
            first_of((m for m in episode.milestones if m.true_time() >= began), target.stop),
        )


def held_moves(episode: Episode) -> tuple[OnwardMove, ...]:
    """Referrals onward that were not over before the patient left: a cancelled one makes nobody wait."""
    return tuple(move for move in episode.moves if move.ended_at is None)


def _at_doors(episode: Episode, target: ClockTarget) -> Iterator[tuple[Milestone, Milestone | None]]:
    """An interval for each door that counts: what happened behind it until the patient came in again."""
    for entry in (m for m in episode.milestones if m.kind in target.start):
        if target.counts_for is CountsFor.SENDING_DOOR:
            counts = _is_left_for_another(episode, entry)
        else:
            counts = is_on_the_way_up(episode, entry) and not _done_before(episode, target.stop, entry)
        if not counts:
            continue
        visit = _visit(episode, entry)
        stop = first_of(visit, target.stop)
        has_left = first_of(visit, MilestoneKind.DOOR_OUT) is not None
        # who leaves without the treatment never waited for it here
        if stop is not None or not has_left:
            yield entry, stop


def _visit(episode: Episode, entry: Milestone) -> tuple[Milestone, ...]:
    """What happened at the facility from `entry` until its next door in."""
    began = entry.true_time()
    here = [m for m in episode.milestones if m.facility == entry.facility and m.true_time() >= began]
    returned = first_of((m for m in here if m.true_time() > began), MilestoneKind.DOOR_IN)
    return tuple(m for m in here if returned is None or m.true_time() < returned.true_time())


def _done_before(episode: Episode, kind: MilestoneKind, entry: Milestone) -> bool:
    """Whether what the clock waits for was done elsewhere already: thrombolysis at the branch."""
    done = first_of(episode.milestones, kind)
    return done is not None and done.true_time() < entry.true_time()


def is_on_the_way_up(episode: Episode, entry: Milestone) -> bool:
    """Whether the patient comes in for acute care: by himself, or sent on by the facility before."""
    before = [
        m
        for m in episode.milestones
        if m.kind in _DOORS and m.facility != entry.facility and m.true_time() <= entry.true_time()
    ]
    if not before:
        return True
    sender = before[-1].facility
    return any(
        move.sending_facility == sender and move.decided_at <= entry.true_time() for move in episode.moves
    )


def _is_left_for_another(episode: Episode, entry: Milestone) -> bool:
    """Whether it was during the visit that begins here that the facility sent the patient on."""
    entries = [
        m for m in episode.milestones if m.kind is MilestoneKind.DOOR_IN and m.facility == entry.facility
    ]
    for move in held_moves(episode):
        if move.sending_facility == entry.facility:
            began = [m for m in entries if m.true_time() <= move.decided_at]
            # decided by telephone, before he came in: the first visit after it
            if (began[-1] if began else entries[0]) == entry:
                return True
    return False
