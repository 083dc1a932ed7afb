"""What events of a referral mean for the ward that holds its bed."""

from datetime import UTC, datetime

import pytest

from services.bed.application.follow_referral import PatientDiverted, ReferralMoved
from services.bed.domain.commands import AdjustHold
from services.bed.entrypoints.referral_news import news_of
from tierlink.referral.v1 import referral_events_pb2 as pb
from tierlink.type.v1 import type_pb2

REFERRAL = "referrals/5d9f7c5e-0000-4000-8000-000000000001"
UNTIL = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("payload", ["transport_arranged", "arrival_estimate_changed"])
def test_another_time_of_arrival_moves_the_end_of_the_hold(payload: str) -> None:
    event = pb.ReferralEvent()
    event.metadata.aggregate_id = REFERRAL
    getattr(event, payload).hold_until.FromDatetime(UNTIL)
    news = news_of(event.SerializeToString()).news
    assert news == ReferralMoved(command=AdjustHold(referral=REFERRAL, expires_at=UNTIL))


def test_a_diverted_patients_bed_is_chosen_for_the_patient() -> None:
    event = pb.ReferralEvent(patient="p-1")
    event.metadata.aggregate_id = REFERRAL
    diverted = event.patient_diverted
    diverted.destination_facility, diverted.sex = "jimsar-general", "F"
    diverted.age_years, diverted.isolation_needed = 0, True
    diverted.bed_type = type_pb2.BED_TYPE_ICU
    diverted.hold_until.FromDatetime(UNTIL)
    news = news_of(event.SerializeToString()).news
    assert isinstance(news, PatientDiverted)
    assert news.hold is not None
    assert (news.hold.sex, news.hold.age_years, news.hold.isolation_needed) == ("F", 0, True)
    # Of before, when the event did not say.
    for field in ("sex", "age_years", "isolation_needed"):
        diverted.ClearField(field)
    news = news_of(event.SerializeToString()).news
    assert isinstance(news, PatientDiverted)
    assert news.hold is not None
    assert (news.hold.sex, news.hold.age_years, news.hold.isolation_needed) == ("", None, False)


@pytest.mark.parametrize("payload", ["departure_overdue", "arrival_overdue", "treatment_overdue"])
def test_a_step_that_is_late_takes_nobodys_bed(payload: str) -> None:
    event = pb.ReferralEvent()
    getattr(event, payload).facility = "jimsar-general"
    assert news_of(event.SerializeToString()).news is None
