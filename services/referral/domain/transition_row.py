"""What a row of the state table is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain.guards import Guard
from services.referral.domain.offers_found import open_offers, questions_waiting
from services.referral.domain.parties import By
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import ReferralState as S
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """A condition on the event (and the state before it) that chooses among the outcomes of one row."""

    label: BilingualText
    holds: Callable[[Referral | None, Any], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """An event and the state after it."""

    event: type[e.Event]
    #: None leaves the state as it is
    to: S | None = None
    #: None is "otherwise"
    when: When | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the table."""

    #: None is before the referral exists
    sources: tuple[S | None, ...]
    command: type[c.Command]
    by: tuple[By, ...]
    guards: tuple[Guard, ...] = ()
    #: the norms must hold, or be overridden where they may be
    norms: bool = False
    #: of a DOWN referral alone
    down_only: bool = False
    #: the first whose condition holds
    outcomes: tuple[Outcome, ...]


def _needs_approval(state: Referral | None, event: Any) -> bool:
    return bool(event.needs_approval)


def _nobody_asked(state: Referral | None, event: Any) -> bool:
    return not event.offers


def _exhausted(state: Referral | None, event: Any) -> bool:
    return bool(event.exhausted)


def _question_waits(state: Referral | None, event: Any) -> bool:
    return state is not None and any(
        each.asked_by_facility != event.facility for each in questions_waiting(state)
    )


def _escalation_exhausted(state: Referral | None, event: Any) -> bool:
    return state is not None and not open_offers(state.offers)


def _label(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


NEEDS_APPROVAL = When(label=_label("须审批", "the norms ask for approval"), holds=_needs_approval)
#: Every destination that was listed has left the directory since.
NOBODY_ASKED = When(label=_label("所列机构均已不在目录", "nobody listed could be asked"), holds=_nobody_asked)
EXHAUSTED = When(label=_label("无其他可申请机构", "no offer is open or listed next"), holds=_exhausted)
ESCALATION_EXHAUSTED = When(
    label=_label("已无可申请机构且时限已到", "last deadline, escalation exhausted"),
    holds=_escalation_exhausted,
)
QUESTION_WAITS = When(
    label=_label("另一机构的问题待答复", "another destination's question waits"), holds=_question_waits
)


def moves_on(event: type[e.Event], *, question: bool = False) -> tuple[Outcome, ...]:
    """An offer came to nothing: the next one is open, or nobody is left to ask.

    `question`: one of the destinations waits for an answer, perhaps another one than this.
    """
    waits = (Outcome(event=event, to=S.INFO_REQUESTED, when=QUESTION_WAITS),) if question else ()
    return (
        Outcome(event=event, to=S.DECLINED, when=EXHAUSTED),
        *waits,
        Outcome(event=event, to=S.REQUESTED),
    )


def row(
    sources: tuple[S | None, ...],
    command: type[c.Command],
    by: tuple[By, ...],
    *outcomes: Outcome,
    guards: tuple[Guard, ...] = (),
    norms: bool = False,
    down_only: bool = False,
) -> Row:
    return Row(
        sources=sources,
        command=command,
        by=by,
        guards=guards,
        norms=norms,
        down_only=down_only,
        outcomes=outcomes,
    )


def to(event: type[e.Event], to: S | None = None) -> Outcome:
    return Outcome(event=event, to=to)
