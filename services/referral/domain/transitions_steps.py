"""Rows of the steps after acceptance: who is late for them, and another time of arrival.

After the departure nothing cancels or expires by itself: these deadlines alert, and move no state.
"""

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain import parties as p
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import Row, row, to

#: The destination has promised to take a patient who is still to come.
EXPECTED = (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT)

STEP_ROWS: tuple[Row, ...] = (
    row(
        (S.TRANSPORT_ARRANGED, S.IN_TRANSIT),
        c.UpdateArrivalEstimate,
        (p.ORIGIN, p.AMBULANCE),
        to(e.ArrivalEstimateChanged),
    ),
    row((S.ACCEPTED, S.TRANSPORT_ARRANGED), c.MeetDeadline, (p.SYSTEM,), to(e.DepartureOverdue)),
    row((S.IN_TRANSIT,), c.MeetDeadline, (p.SYSTEM,), to(e.ArrivalOverdue)),
    row((S.NO_SHOW,), c.MeetDeadline, (p.SYSTEM,), to(e.NoShowUnresolved)),
    row((S.ARRIVED,), c.MeetDeadline, (p.SYSTEM,), to(e.TreatmentStartOverdue)),
    row((S.IN_TREATMENT,), c.MeetDeadline, (p.SYSTEM,), to(e.TreatmentOverdue)),
    row(EXPECTED, c.MeetDeadline, (p.SYSTEM,), to(e.BedAnswerOverdue)),
)
