"""The state of an episode and its fold."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain import episode_events as events
from services.referral.domain.episode_transitions import commands_allowed_in, next_state
from services.referral.domain.episode_values import ClockExclusion, EpisodeState, OnwardMove
from services.referral.domain.milestones import Milestone, in_clinical_order
from services.referral.domain.values import Pathway
from services.shared.kernel.command import Deadline, EventMetadata, Recorded
from services.shared.kernel.frozen import changed


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """One illness of one patient, across every referral and consultation of it: the fold of its events."""

    #: `episodes/{uuid}`
    name: str
    version: int
    #: pseudonym
    patient: str
    pathway: Pathway
    state: EpisodeState
    opened_by_facility: str
    #: those in force, in clinical order
    milestones: tuple[Milestone, ...]
    #: names of its referrals and consultations, in the order they joined
    members: tuple[str, ...]
    #: facilities that take part
    facilities: tuple[str, ...]
    #: referrals up or across, in the order they joined; not shown, but clocks depend on them
    moves: tuple[OnwardMove, ...]
    #: clocks that do not count
    exclusions: tuple[ClockExclusion, ...] = ()
    create_time: datetime
    update_time: datetime


def evolve(state: Episode | None, recorded: Recorded[events.EpisodeEvent]) -> Episode:
    """The state after one more event. Raises ValueError when a history does not begin with its opening."""
    event, metadata = recorded.event, recorded.metadata
    if isinstance(event, events.EpisodeOpened):
        return Episode(
            name=metadata.aggregate_id,
            version=metadata.version,
            patient=event.patient,
            pathway=event.pathway,
            state=EpisodeState.OPEN,
            opened_by_facility=event.facility,
            milestones=(),
            members=(),
            facilities=(event.facility,),
            moves=(),
            create_time=metadata.recorded_at,
            update_time=metadata.recorded_at,
        )
    if state is None:
        raise ValueError(f"{metadata.aggregate_id} begins with {metadata.type}")
    moved = changed(
        state,
        version=metadata.version,
        state=next_state(state.state, type(event)),
        update_time=metadata.recorded_at,
    )
    return _applied(moved, event, metadata)


def _applied(state: Episode, event: events.EpisodeEvent, metadata: EventMetadata) -> Episode:
    match event:
        case events.EpisodeJoined():
            return changed(
                state,
                members=_united(state.members, (event.member,)),
                facilities=_united(state.facilities, event.facilities),
                moves=(*state.moves, *_move(state, event, metadata)),
            )
        case events.MilestoneRecorded():
            return changed(state, milestones=in_clinical_order((*state.milestones, event.milestone)))
        case events.MilestoneCorrected():
            others = tuple(m for m in state.milestones if m.name != event.milestone.name)
            return changed(state, milestones=in_clinical_order((*others, event.milestone)))
        case events.MoveEnded():
            return changed(state, moves=tuple(_ended(move, event, metadata) for move in state.moves))
        case events.ClockExcluded():
            return changed(state, exclusions=(*state.exclusions, event.exclusion))
        case events.ClockExclusionLifted():
            return changed(
                state,
                exclusions=tuple(
                    each
                    for each in state.exclusions
                    if (each.key, each.facility) != (event.key, event.facility)
                ),
            )
        case events.EpisodeClosed():
            return state
        case events.EpisodeOpened():
            raise ValueError(f"{metadata.aggregate_id} is opened twice")


def _move(state: Episode, event: events.EpisodeJoined, metadata: EventMetadata) -> tuple[OnwardMove, ...]:
    if not event.sending_facility or any(move.member == event.member for move in state.moves):
        return ()
    return (
        OnwardMove(
            member=event.member, sending_facility=event.sending_facility, decided_at=metadata.occurred_at
        ),
    )


def _ended(move: OnwardMove, event: events.MoveEnded, metadata: EventMetadata) -> OnwardMove:
    return changed(move, ended_at=metadata.occurred_at) if move.member == event.member else move


def _united(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def deadlines(state: Episode) -> tuple[Deadline, ...]:
    """None: a passed window warns, and what waits for somebody is a referral's or a consultation's."""
    del state
    return ()


def allowed_commands(state: Episode) -> tuple[str, ...]:
    """Names of the RPCs that the table allows now."""
    return commands_allowed_in(state.state)


def facets(state: Episode) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {
        "parties": sorted(state.facilities),
        "live": state.state is EpisodeState.OPEN,
        "state": state.state.value,
        "patient": state.patient,
        "pathway": state.pathway.value,
        "created": state.create_time.isoformat(),
    }
