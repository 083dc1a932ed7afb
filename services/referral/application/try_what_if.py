"""Tries another directory or policy on recorded histories. Nothing is loaded and nothing is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.referral.domain import directory as directories
from services.referral.domain.clocks_targets import ClockTarget, CountsFor
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import DIRECTORY_NAME, Directory
from services.referral.domain.episode_events import EpisodeEvent, MilestoneCorrected, MilestoneRecorded
from services.referral.domain.events import Event
from services.referral.domain.milestones import MilestoneKind
from services.referral.domain.values import Pathway
from services.referral.domain.what_if import Changed, compare
from services.referral.domain.what_if_course import Comparison
from services.referral.domain.what_if_habits import Habits
from services.referral.domain.what_if_record import RecordedReferral, recorded
from services.referral.domain.what_if_totals import Difference, difference
from services.shared.kernel.actor import system_actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded

#: The directory that is tried was put in force by nobody, at no time.
_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, kw_only=True, slots=True)
class Histories:
    """What was recorded, by aggregate, each history by version."""

    referrals: Mapping[str, Sequence[Recorded[Event]]]
    episodes: Mapping[str, Sequence[Recorded[EpisodeEvent]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """The outcome."""

    difference: Difference
    #: by the time of the request
    comparisons: tuple[Comparison, ...]
    #: referrals of which the record has not every event; they are left out
    incomplete: int
    #: referrals that were entered in error; they are left out
    in_error: int
    #: from door in to door out
    targets_s: Mapping[Pathway, int]


def directory_of(command: ApplyDirectory) -> Directory:
    """The directory as it would be if the command were carried out. Raises InvalidInput with every fault."""
    context = CommandContext(
        request_id="", actor=system_actor("what-if"), occurred_at=_NEVER, recorded_at=_NEVER
    )
    (event,) = directories.decide(None, command, context) or (directories.DirectoryApplied(),)
    metadata = EventMetadata(
        event_id="",
        aggregate_id=DIRECTORY_NAME,
        version=1,
        type=type(event).__name__,
        occurred_at=_NEVER,
        recorded_at=_NEVER,
        actor=context.actor,
        request_id="",
    )
    return directories.evolve(None, Recorded(event=event, metadata=metadata))


def try_what_if(
    histories: Histories,
    changed: Changed,
    targets: Iterable[ClockTarget],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Trial:
    """Both courses of every referral that was requested in the period.

    How facilities answer is learnt of all histories, those of other periods too. The same input gives the
    same outcome, in whatever order it comes.
    """
    found: list[RecordedReferral] = []
    incomplete = in_error = 0
    for _, history in sorted(histories.referrals.items()):
        if [each.metadata.version for each in history] != list(range(1, len(history) + 1)):
            incomplete += 1
            continue
        referral = recorded(history)
        if referral is None:
            in_error += 1
        else:
            found.append(referral)
    targets_s = {each.pathway: each.target_s for each in targets if each.counts_for is CountsFor.SENDING_DOOR}
    doors = {name: _doors(history) for name, history in histories.episodes.items()}
    habits = Habits(found)
    comparisons = [
        compare(each, _door_in(each, doors, targets_s), changed, habits)
        for each in found
        if (since is None or each.requested_at >= since) and (until is None or each.requested_at < until)
    ]
    comparisons.sort(key=lambda each: (each.requested_at, each.name))
    return Trial(
        difference=difference(comparisons, targets_s),
        comparisons=tuple(comparisons),
        incomplete=incomplete,
        in_error=in_error,
        targets_s=targets_s,
    )


def _doors(history: Sequence[Recorded[EpisodeEvent]]) -> Mapping[str, tuple[str, datetime]]:
    """By milestone: the facility whose door a patient came through, and when. What was corrected counts."""
    found: dict[str, tuple[str, datetime]] = {}
    for each in history:
        match each.event:
            case MilestoneRecorded(milestone=milestone) | MilestoneCorrected(milestone=milestone):
                if milestone.kind is MilestoneKind.DOOR_IN:
                    found[milestone.name] = (milestone.facility, milestone.true_time())
            case _:
                pass
    return found


def _door_in(
    referral: RecordedReferral,
    doors: Mapping[str, Mapping[str, tuple[str, datetime]]],
    targets_s: Mapping[Pathway, int],
) -> datetime | None:
    """The last time that the patient came through the origin's door before leaving it.

    None for a pathway without a target from door to door: there it is a stay, and nobody's delay.
    """
    request, left_at = referral.request, referral.departed_at
    if left_at is None or request.pathway not in targets_s:
        return None
    through = doors.get(request.episode, {}).values()
    return max(
        (at for door, at in through if door == request.origin_facility and at <= left_at), default=None
    )
