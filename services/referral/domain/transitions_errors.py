"""Rows of a referral that is called an error: once it was accepted, by the words of two persons."""

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain import guards as g
from services.referral.domain import parties as p
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import Row, row, to

_ONCE_ASKED = tuple([state for state in S if state not in (S.AWAITING_APPROVAL, S.ENTERED_IN_ERROR)])

ERROR_ROWS: tuple[Row, ...] = (
    # Nobody has been asked yet, so that it is nobody else's record.
    row(
        (S.AWAITING_APPROVAL,),
        c.MarkEnteredInError,
        (p.ORIGIN,),
        to(e.EnteredInError, S.ENTERED_IN_ERROR),
        guards=(g.REASON,),
    ),
    row(
        _ONCE_ASKED,
        c.MarkEnteredInError,
        (p.ORIGIN, *p.ERROR_CONFIRMERS),
        to(e.ErrorMarkRequested),
        to(e.EnteredInError, S.ENTERED_IN_ERROR),
        guards=(g.REASON, g.ERROR_CLAIMED, g.SECOND_PERSON),
    ),
    # Whoever said it, or somebody of the same facility; who was to confirm it says nothing.
    row(
        _ONCE_ASKED,
        c.WithdrawErrorMark,
        (p.ORIGIN,),
        to(e.ErrorMarkWithdrawn),
        guards=(g.ERROR_MARKED,),
    ),
    row(_ONCE_ASKED, c.MeetDeadline, (p.SYSTEM,), to(e.ErrorMarkLapsed)),
)
