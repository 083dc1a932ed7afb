"""What the bed service's events say of a referral's bed."""

from datetime import UTC, datetime

import pytest

from services.referral.domain.commands import BedNews
from services.referral.entrypoints.bed_news import read_bed_event
from tierlink.bed.v1 import bed_events_pb2 as pb
from tierlink.bed.v1 import bed_pb2
from tierlink.type.v1 import type_pb2

HOLD = bed_pb2.Hold(
    name="holds/1", referral="referrals/1", ward="icu", bed="icu-01", facility="county", fencing_token=7
)
METADATA = type_pb2.EventMetadata(occurred_at=datetime(2026, 3, 1, tzinfo=UTC))


def test_a_patient_who_came_from_another_ward_lies_in_the_new_bed() -> None:
    moved = pb.BedTransferredIn(bed="icu-01", from_ward="w", from_bed="w-01", hold=HOLD, patient="p-1")
    news = read_bed_event(
        pb.BedEvent(metadata=METADATA, bed_transferred_in=moved).SerializeToString()
    ).referral
    assert news is not None
    assert (news.referral, news.command.news) == ("referrals/1", BedNews.OCCUPIED)
    bed = news.command.bed
    assert (bed.ward, bed.bed, bed.fencing_token) == ("icu", "icu-01", 7)


@pytest.mark.parametrize(
    "event",
    [
        pb.BedEvent(bed_transferred_in=pb.BedTransferredIn(bed="icu-01", patient="p-1")),
        pb.BedEvent(bed_transferred_out=pb.BedTransferredOut(bed="w-01", referral="referrals/1")),
        pb.BedEvent(waiting_joined=pb.WaitingJoined()),
        pb.BedEvent(ward_listed=pb.WardListed(ward="w")),
    ],
)
def test_what_is_said_of_others_or_twice_is_no_news(event: pb.BedEvent) -> None:
    event.metadata.CopyFrom(METADATA)
    assert read_bed_event(event.SerializeToString()).referral is None


def test_an_event_without_a_payload_is_refused() -> None:
    with pytest.raises(ValueError, match="without a payload"):
        read_bed_event(pb.BedEvent(metadata=METADATA).SerializeToString())
