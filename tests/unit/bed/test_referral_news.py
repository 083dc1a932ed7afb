"""What events of a referral mean for the ward that holds its bed."""

from datetime import UTC, datetime

import pytest

from services.bed.application.follow_referral import ReferralMoved
from services.bed.domain.commands import AdjustHold
from services.bed.entrypoints.referral_news import news_of
from tierlink.referral.v1 import referral_events_pb2 as pb

REFERRAL = "referrals/5d9f7c5e-0000-4000-8000-000000000001"
UNTIL = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("payload", ["transport_arranged", "arrival_estimate_changed"])
def test_another_time_of_arrival_moves_the_end_of_the_hold(payload: str) -> None:
    event = pb.ReferralEvent()
    event.metadata.aggregate_id = REFERRAL
    getattr(event, payload).hold_until.FromDatetime(UNTIL)
    news = news_of(event.SerializeToString()).news
    assert news == ReferralMoved(command=AdjustHold(referral=REFERRAL, expires_at=UNTIL))


@pytest.mark.parametrize("payload", ["departure_overdue", "arrival_overdue", "treatment_overdue"])
def test_a_step_that_is_late_takes_nobodys_bed(payload: str) -> None:
    event = pb.ReferralEvent()
    getattr(event, payload).facility = "jimsar-general"
    assert news_of(event.SerializeToString()).news is None
