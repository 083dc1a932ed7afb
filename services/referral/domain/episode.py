"""The episode: one illness of one patient, with its milestones. 诊疗过程

The order of milestones is in `episode_order.PRECEDENCES`.
"""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

from services.referral.domain import episode_commands as commands
from services.referral.domain import episode_events as events
from services.referral.domain import episode_texts as texts
from services.referral.domain.clocks_targets import ClockTarget
from services.referral.domain.directory_state import Directory
from services.referral.domain.episode_exclusions import exclude, lift
from services.referral.domain.episode_order import order_failures
from services.referral.domain.episode_state import Episode, allowed_commands, deadlines, evolve, facets
from services.referral.domain.episode_transitions import commands_allowed_in, has_row
from services.referral.domain.episode_values import opened_by_request
from services.referral.domain.identity_in_texts import identity_in_texts, refuse_identities
from services.referral.domain.milestones import Milestone, MilestoneKind
from services.referral.domain.pseudonyms import pseudonym_faults
from services.referral.domain.readers import coordinates, knows_of
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import (
    FailedRule,
    FieldViolation,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotPermitted,
)

__all__ = [
    "COMMANDS",
    "EVENTS",
    "RESOURCE",
    "Episode",
    "allowed_commands",
    "deadlines",
    "decide",
    "evolve",
    "facets",
    "opened_by_request",
]

RESOURCE = "Episode"
COMMANDS: tuple[type, ...] = get_args(commands.EpisodeCommand)
EVENTS: tuple[type, ...] = get_args(events.EpisodeEvent)

#: how far a recorder's clock may run ahead of the platform's
FUTURE_TOLERANCE = timedelta(minutes=2)

_OPENERS = (Role.CLINICIAN, Role.AMBULANCE)
_RECORDERS = (Role.CLINICIAN, Role.AMBULANCE, Role.REFERRAL_OFFICE, Role.COORDINATOR)
_CLOSERS = (Role.CLINICIAN, Role.REFERRAL_OFFICE)

_Change = (
    commands.RecordMilestone | commands.CorrectMilestone | commands.ExcludeClock | commands.LiftClockExclusion
)


def decide(
    state: Episode | None,
    command: commands.EpisodeCommand,
    context: CommandContext,
    *,
    directory: Directory,
    live_members: tuple[str, ...] | None = None,
    targets: tuple[ClockTarget, ...] = (),
) -> tuple[events.EpisodeEvent, ...]:
    """The events that a command gives.

    `directory` says whose coordinator the actor is: of the facilities that take part, and of a milestone's or
    clock's own where it has one. `live_members` are the names of the members that are not over; CloseEpisode
    needs them. None means that nobody looked: then every member counts as live. `targets` say which clocks
    there are and for what reasons they need not count; ExcludeClock needs them.
    Raises NotFound, NotPermitted, InvalidInput (a facility that takes no part, a correction that changes
    nothing, a reason that its target does not know), NotAllowed (NOT_ALLOWED_IN_STATE, NOT_IN_FUTURE,
    CLINICAL_ORDER, MILESTONE_REPEATED, NO_SUCH_CLOCK, EXCLUDED_ALREADY, NOT_EXCLUDED, NOTHING_LIVE,
    SAME_PATIENT).
    """
    if isinstance(command, commands.OpenEpisode):
        return (_open(state, command, context),)
    if state is None:
        raise NotFound(RESOURCE, "")
    if isinstance(command, commands.JoinEpisode):
        return _join(state, command, context, directory)
    if isinstance(command, commands.EndMove):
        return _end_move(state, command)
    if not knows_of(state.facilities, context.actor, directory):
        raise NotFound(RESOURCE, state.name)
    refuse_identities(command)
    if isinstance(command, commands.CloseEpisode):
        return (_close(state, command, context, directory, live_members),)
    return (_change(state, command, context, directory, targets),)


def _change(
    state: Episode,
    command: _Change,
    context: CommandContext,
    directory: Directory,
    targets: tuple[ClockTarget, ...],
) -> events.EpisodeEvent:
    """What is said of milestones and clocks."""
    match command:
        case commands.RecordMilestone():
            return _record(state, command, context)
        case commands.CorrectMilestone():
            return _correct(state, command, context, directory)
        case commands.ExcludeClock():
            excluded, failed = exclude(state, command, context, directory, targets)
            _require(state, command, failed)
            return excluded
        case commands.LiftClockExclusion():
            lifted, failed = lift(state, command, context, directory)
            _require(state, command, failed)
            return lifted


def _open(
    state: Episode | None, command: commands.OpenEpisode, context: CommandContext
) -> events.EpisodeOpened:
    actor = context.actor
    if not (actor.facility and actor.has_role(*_OPENERS)):
        raise NotPermitted("OPENER_ONLY", texts.OPENER_ONLY)
    if state is not None:
        raise _not_allowed(state, command, ())
    if faults := pseudonym_faults(command.patient) + identity_in_texts(command):
        raise InvalidInput(*faults)
    return events.EpisodeOpened(patient=command.patient, pathway=command.pathway, facility=actor.facility)


def ensure_may_enter(state: Episode, actor: Actor, directory: Directory) -> None:
    """Raises NotFound for who may bring nothing new into the episode, and so must not learn of it."""
    coordinated = coordinates(state.facilities, actor, directory)
    if not (_takes_part(state, actor) or coordinated or actor.has_role(Role.SYSTEM)):
        raise NotFound(RESOURCE, state.name)


def _join(
    state: Episode, command: commands.JoinEpisode, context: CommandContext, directory: Directory
) -> tuple[events.EpisodeJoined, ...]:
    """Who knows an episode's name alone cannot enter it: a new member comes from a facility that takes part.
    A member that is in may bring further facilities: its own command has been decided already."""
    if command.member not in state.members:
        ensure_may_enter(state, context.actor, directory)
    failed: tuple[FailedRule, ...] = ()
    if command.patient != state.patient:
        failed = (FailedRule(code="SAME_PATIENT", text=texts.SAME_PATIENT),)
    _require(state, command, failed)
    joined = events.EpisodeJoined(
        member=command.member,
        facilities=tuple(dict.fromkeys(command.facilities)),
        sending_facility=command.sending_facility,
    )
    known = command.member in state.members and set(joined.facilities) <= set(state.facilities)
    moved = not command.sending_facility or any(move.member == command.member for move in state.moves)
    return () if known and moved else (joined,)


def _end_move(state: Episode, command: commands.EndMove) -> tuple[events.MoveEnded, ...]:
    """Whoever ended the referral was authorised by its own command."""
    holds = any(move.member == command.member and move.ended_at is None for move in state.moves)
    return (events.MoveEnded(member=command.member),) if holds else ()


def _record(
    state: Episode, command: commands.RecordMilestone, context: CommandContext
) -> events.MilestoneRecorded:
    actor = context.actor
    by_facility = _takes_part(state, actor) and actor.has_role(*_RECORDERS)
    if not (by_facility or actor.has_role(Role.SYSTEM)):
        raise NotPermitted("RECORDER_ONLY", texts.RECORDER_ONLY)
    facility = command.facility or actor.facility
    if facility not in state.facilities:
        raise InvalidInput(
            FieldViolation(field="facility", reason="TAKES_NO_PART", description=texts.FACILITY_TAKES_NO_PART)
        )
    milestone = Milestone(
        name=resource_name("milestones", context.request_id),
        kind=command.kind,
        facility=facility,
        occurred_at=context.occurred_at,
        recorded_by=actor,
        recorded_at=context.recorded_at,
        device_clock_offset_ms=command.device_clock_offset_ms,
        arrived_by=command.arrived_by,
        taken_to=command.taken_to,
    )
    _refuse_arrival_elsewhere(command.kind, command)
    _require(state, command, _timing_failures(state.milestones, milestone))
    return events.MilestoneRecorded(milestone=milestone, pathway=state.pathway)


def _correct(
    state: Episode, command: commands.CorrectMilestone, context: CommandContext, directory: Directory
) -> events.MilestoneCorrected:
    actor = context.actor
    former = next((m for m in state.milestones if m.name == command.milestone), None)
    if former is None:
        raise NotFound("Milestone", command.milestone)
    owners = (former.facility, former.recorded_by.facility)
    by_same = bool(actor.facility) and actor.facility in owners and actor.has_role(*_RECORDERS)
    if not (by_same or coordinates(owners, actor, directory)):
        raise NotPermitted("CORRECTOR_ONLY", texts.CORRECTOR_ONLY)
    _refuse_arrival_elsewhere(former.kind, command)
    arrived_by = command.arrived_by or former.arrived_by
    taken_to = command.taken_to or former.taken_to
    as_before = (arrived_by, taken_to) == (former.arrived_by, former.taken_to)
    if former.true_time() == command.corrected_time and as_before:
        raise InvalidInput(
            FieldViolation(field="corrected_time", reason="UNCHANGED", description=texts.TIME_UNCHANGED)
        )
    milestone = replace(
        former,
        occurred_at=command.corrected_time,
        recorded_by=actor,
        recorded_at=context.recorded_at,
        device_clock_offset_ms=None,
        corrected=True,
        arrived_by=arrived_by,
        taken_to=taken_to,
    )
    others = tuple(m for m in state.milestones if m is not former)
    _require(state, command, _timing_failures(others, milestone))
    return events.MilestoneCorrected(
        milestone=milestone,
        superseded_time=former.occurred_at,
        reason=command.reason,
        pathway=state.pathway,
    )


def _refuse_arrival_elsewhere(
    kind: MilestoneKind, command: commands.RecordMilestone | commands.CorrectMilestone
) -> None:
    """Raises InvalidInput where it is told how a patient came, and he came through no door."""
    told = [name for name in ("arrived_by", "taken_to") if getattr(command, name) is not None]
    if told and kind is not MilestoneKind.DOOR_IN:
        raise InvalidInput(
            *(
                FieldViolation(field=name, reason="OF_DOOR_IN_ALONE", description=texts.OF_DOOR_IN_ALONE)
                for name in told
            )
        )


def _close(
    state: Episode,
    command: commands.CloseEpisode,
    context: CommandContext,
    directory: Directory,
    live_members: tuple[str, ...] | None,
) -> events.EpisodeClosed:
    actor = context.actor
    by_facility = _takes_part(state, actor) and actor.has_role(*_CLOSERS)
    by_coordinator = coordinates(state.facilities, actor, directory)
    if not (by_facility or by_coordinator or actor.has_role(Role.SYSTEM)):
        raise NotPermitted("CLOSER_ONLY", texts.CLOSER_ONLY)
    live = state.members if live_members is None else live_members
    failed = (FailedRule(code="NOTHING_LIVE", text=texts.still_live(live)),) if live else ()
    _require(state, command, failed)
    return events.EpisodeClosed()


def _takes_part(state: Episode, actor: Actor) -> bool:
    return actor.facility in state.facilities


def _timing_failures(others: tuple[Milestone, ...], milestone: Milestone) -> tuple[FailedRule, ...]:
    failed = order_failures(others, milestone)
    if milestone.true_time() > milestone.recorded_at + FUTURE_TOLERANCE:
        text = texts.in_future(milestone.kind, FUTURE_TOLERANCE)
        failed = (FailedRule(code="NOT_IN_FUTURE", text=text), *failed)
    return failed


def _require(state: Episode, command: commands.EpisodeCommand, failed: tuple[FailedRule, ...]) -> None:
    """Raises NotAllowed with the state's refusal and every failed guard, if there is any."""
    if failed or not has_row(state.state, type(command)):
        raise _not_allowed(state, command, failed)


def _not_allowed(
    state: Episode, command: commands.EpisodeCommand, failed: tuple[FailedRule, ...]
) -> NotAllowed:
    if not has_row(state.state, type(command)):
        text = texts.not_in_state(state.state, type(command).__name__)
        failed = (FailedRule(code="NOT_ALLOWED_IN_STATE", text=text), *failed)
    return NotAllowed(
        state=state.state.value,
        allowed_commands=commands_allowed_in(state.state),
        failed_rules=failed,
        resource_name=state.name,
    )
