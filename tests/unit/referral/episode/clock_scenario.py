"""Clocks of a story on the product's own targets."""

from datetime import datetime

from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.domain.clocks import Clock, clocks
from tests.unit.referral.episode.scenario import REFERRAL, Story, joined, minute

TARGETS = load_catalogue().clock_targets


def shown(story: Story, now: float | None = None) -> dict[str, Clock]:
    """The clocks by key and facility, such as `door-to-needle@wucaiwan`."""
    moment: datetime | None = None if now is None else minute(now)
    found = clocks(story.here, TARGETS, moment)
    keyed = {f"{clock.key}@{clock.facility}".removesuffix("@"): clock for clock in found}
    assert len(keyed) == len(found)
    return keyed


def refers(story: Story, sender: str, destination: str, at: float, member: str = REFERRAL) -> Story:
    return story.given(joined(sender, destination, member=member, sending=sender), at=at)
