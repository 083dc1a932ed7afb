"""What is left of an episode's running clocks, from the messages of the referral service."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.board.domain.budget import budget
from tierlink.referral.v1 import referral_pb2

#: Clocks that the destination stops: who has still to be driven there has less time than the clock says.
_STOPPED_AT_DESTINATION = frozenset({"onset-to-needle", "onset-to-puncture", "transfer-for-pci"})

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


def budgets_of(found: Any, *, door_minutes: int) -> list[dict[str, Any]]:
    """One entry for each running clock of a GetEpisodeResponse, the most pressing first.

    `door_minutes` is what a destination takes from its door to the treatment.
    """
    drive = _drive_minutes(found.referrals)
    entries = []
    for clock in found.episode.clocks:
        # One that runs past its target is missed already, and still nobody's to forget.
        if clock.HasField("stopped_at") or not clock.HasField("stop_by"):
            continue
        travels = drive is not None and clock.key in _STOPPED_AT_DESTINATION
        left = budget(
            started_at=_moment(clock.started_at),
            stop_by=_moment(clock.stop_by),
            drive_minutes=drive or 0 if travels else 0,
            door_minutes=door_minutes if travels else 0,
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
                "travels": travels,
            }
        )
    return sorted(entries, key=lambda entry: str(entry["leave_by"]))


def _drive_minutes(referrals: Any) -> int | None:
    """Minutes of road that still lie ahead; None when nobody is to be driven anywhere."""
    for referral in referrals:
        if referral.state not in _ROAD_AHEAD or referral.direction != referral_pb2.DIRECTION_UP:
            continue
        minutes = [
            int(offer.travel_minutes)
            for offer in referral.offers
            if offer.HasField("travel_minutes")
            and offer.state
            in (
                referral_pb2.OFFER_STATE_SENT,
                referral_pb2.OFFER_STATE_ACKNOWLEDGED,
                referral_pb2.OFFER_STATE_ACCEPTED,
            )
        ]
        if minutes:
            return min(minutes)
    return None


def _moment(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(UTC)
