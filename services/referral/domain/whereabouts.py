"""Where the patient of an episode is, by the doors that he passed: whence the way to the next one counts."""

from services.referral.domain.episode_state import Episode
from services.referral.domain.milestones import MilestoneKind

_DOORS = (MilestoneKind.DOOR_IN, MilestoneKind.DOOR_OUT)


def whereabouts(episode: Episode) -> str:
    """The facility that he is at; the opener's before any door is known; empty on the road."""
    doors = [milestone for milestone in episode.milestones if milestone.kind in _DOORS]
    if not doors:
        return episode.opened_by_facility
    return doors[-1].facility if doors[-1].kind is MilestoneKind.DOOR_IN else ""
