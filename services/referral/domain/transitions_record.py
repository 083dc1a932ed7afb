"""Rows of the record's completion, and of the results that travel with the patient."""

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain import guards as g
from services.referral.domain import parties as p
from services.referral.domain.referral_state import TERMINAL
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import Row, row, to

NON_TERMINAL = tuple([state for state in S if state not in TERMINAL])

RECORD_ROWS: tuple[Row, ...] = (
    row(
        NON_TERMINAL,
        c.CompleteRecord,
        (p.ORIGIN, p.CUSTODIAN),
        to(e.RecordCompleted),
        guards=(g.SOMETHING_GIVEN,),
    ),
    row(NON_TERMINAL, c.MeetDeadline, (p.SYSTEM,), to(e.RecordOverdue)),
    row(
        NON_TERMINAL,
        c.AddResults,
        (p.ORIGIN, p.DESTINATION),
        to(e.ResultsAdded),
        guards=(g.ROOM_FOR_RESULTS,),
    ),
    row(
        (S.ARRIVED, S.IN_TREATMENT, S.TREATED),
        c.RecordRepeat,
        (p.DESTINATION,),
        to(e.ResultRepeated),
    ),
)
