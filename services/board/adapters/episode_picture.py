"""What is left of an episode's running clocks, from the messages of the referral service."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.board.application.platform import Doors
from services.board.domain.budget import budget
from services.board.domain.door_time import DOOR_CLOCKS, DoorMedian, DoorSource, DoorTime
from tierlink.referral.v1 import referral_pb2

#: Before and during these the road still lies ahead.
_ROAD_AHEAD = frozenset(
    {
        referral_pb2.REFERRAL_STATE_AWAITING_APPROVAL,
        referral_pb2.REFERRAL_STATE_REQUESTED,
        referral_pb2.REFERRAL_STATE_INFO_REQUESTED,
        referral_pb2.REFERRAL_STATE_ACCEPTED,
        referral_pb2.REFERRAL_STATE_TRANSPORT_ARRANGED,
    }
)


async def budgets_of(found: Any, *, doors: Doors) -> list[dict[str, Any]]:
    """One entry for each running clock of a GetEpisodeResponse, the most pressing first.

    `doors` is asked what a destination takes from its door to the treatment.
    """
    road = _road(found.referrals)
    entries = []
    for clock in found.episode.clocks:
        # One that runs past its target is missed already, and still nobody's to forget.
        if clock.HasField("stopped_at") or not clock.HasField("stop_by"):
            continue
        ahead = road if clock.key in DOOR_CLOCKS else None
        door = await doors(ahead.destination, clock.key) if ahead else _NO_DOOR
        left = budget(
            started_at=_moment(clock.started_at),
            stop_by=_moment(clock.stop_by),
            drive_minutes=ahead.minutes if ahead else 0,
            door_minutes=door.minutes,
        )
        entries.append(
            {
                "key": clock.key,
                "facility": clock.facility,
                "started_at": left.started_at.isoformat(),
                "amber_at": left.amber_at.isoformat(),
                "red_at": left.red_at.isoformat(),
                "leave_by": left.leave_by.isoformat(),
                "drive_minutes": left.drive_minutes,
                "door_minutes": left.door_minutes,
                "door_source": door.source.value,
                "door_count": door.count,
                "destination": ahead.destination if ahead else "",
                "travels": ahead is not None,
            }
        )
    return sorted(entries, key=lambda entry: str(entry["leave_by"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Road:
    """What still has to be driven."""

    destination: str
    minutes: int


_NO_DOOR = DoorTime(minutes=0, source=DoorSource.SETTING)


def medians_of(found: Any) -> dict[str, DoorMedian]:
    """The medians of a SummarizeClocksResponse by the clock's key; those without data are left out."""
    return {
        clock.target.key: DoorMedian(minutes=round(clock.median_s / 60), count=clock.count)
        for clock in found.clocks
        if clock.HasField("median_s")
    }


def _road(referrals: Any) -> _Road | None:
    """The road that still lies ahead, the shortest; None when nobody is to be driven anywhere."""
    for referral in referrals:
        if referral.state not in _ROAD_AHEAD or referral.direction != referral_pb2.DIRECTION_UP:
            continue
        roads = [
            _Road(destination=offer.facility, minutes=int(offer.travel_minutes))
            for offer in referral.offers
            if offer.HasField("travel_minutes")
            and offer.state
            in (
                referral_pb2.OFFER_STATE_SENT,
                referral_pb2.OFFER_STATE_ACKNOWLEDGED,
                referral_pb2.OFFER_STATE_ACCEPTED,
            )
        ]
        if roads:
            return min(roads, key=lambda road: road.minutes)
    return None


def _moment(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(UTC)
