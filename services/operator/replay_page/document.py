"""A story as the page's script reads it: one JSON document, short enough to be carried in the page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.operator.replay_page.decoding import Clock, short_case
from services.operator.replay_page.story import Entry, Place, Story, WardCounts
from services.operator.texts import catalogue
from services.shared.kernel.text import BilingualText

#: Texts of the catalogue that the page shows, by how their keys begin.
_TEXTS = ("event.", "milestone.", "joined.", "tier.", "replay_page.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """How a page was made."""

    at: datetime
    clock: Clock
    #: `zh` or `en`: what it opens in
    language: str


def document(story: Story, made: Made) -> dict[str, Any]:
    """The document. Tracks and entries are lists, in the order that the script's names have."""
    texts = {key: pair for key, pair in catalogue().items() if key.startswith(_TEXTS)}
    return {
        "made_at": int(made.at.timestamp() * 1000),
        "clock": made.clock.value,
        "language": made.language,
        "begins_at": story.begins_at,
        "ends_at": story.ends_at,
        "places": [_place(each) for each in story.places],
        "communities": {name: _pair(each) for name, each in story.communities.items()},
        "entries": [_entry(each) for each in story.entries],
        "referrals": [
            {
                "name": each.name,
                "case": short_case(each.name),
                "urgency": each.urgency,
                "pathway": each.pathway,
                "direction": each.direction,
                "green_channel": each.green_channel,
                "track": [
                    [at, on.state, on.origin, on.destination, on.custodian, on.departed_at, on.expected_at]
                    for at, on in each.track
                ],
            }
            for each in story.referrals
        ],
        "consultations": [
            {
                "name": each.name,
                "case": short_case(each.name),
                "requester": each.requester,
                "centre": each.centre,
                "track": [list(point) for point in each.track],
            }
            for each in story.consultations
        ],
        "wards": [
            {
                "id": each.id,
                "facility": each.facility,
                "bed_type": each.bed_type,
                "name": _pair(each.name),
                "track": [[at, *_counts(counts)] for at, counts in each.track],
            }
            for each in story.wards
        ],
        "alerts": [
            {
                "name": each.name,
                "facility": each.facility,
                "severity": each.severity,
                "title": _pair(each.title),
                "drill": each.is_drill,
                "track": [list(point) for point in each.track],
            }
            for each in story.alerts
        ],
        "left_out": {
            "entries": story.left_out.entries,
            "unread": story.left_out.unread,
            "late": story.left_out.late,
        },
        "texts": {
            "zh": {key: pair.zh for key, pair in texts.items()},
            "en": {key: pair.en for key, pair in texts.items()},
        },
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "id": place.id,
        "name": _pair(place.name),
        "tier": place.tier,
        "community": place.community,
        "roads": dict(place.travel_minutes),
    }


def _entry(each: Entry) -> list[Any]:
    case = short_case(each.case)
    return [each.at, each.aggregate, each.type, each.facility, case, each.detail, each.recorded_at]


def _counts(counts: WardCounts) -> tuple[int, ...]:
    return counts.free, counts.held, counts.occupied, counts.cleaning, counts.blocked


def _pair(pair: BilingualText) -> dict[str, str]:
    return {"zh": pair.zh, "en": pair.en}
