"""How a facility answers that was never asked: as it did answer, by the middle of what is recorded of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from services.referral.domain.values import Urgency
from services.referral.domain.what_if_record import Answer, AnswerKind, RecordedReferral


class Basis(StrEnum):
    """What an answer in the other course of events rests on; all but the first are assumed."""

    #: it was asked for this patient, and answered so
    RECORDED = "RECORDED"
    #: the middle of its own answers to referrals as urgent
    OWN_MEDIAN = "OWN_MEDIAN"
    #: the middle of its own answers to referrals of whatever urgency
    OWN_MEDIAN_ANY_URGENCY = "OWN_MEDIAN_ANY_URGENCY"
    #: nothing is known of it: the middle of everybody's answers to referrals as urgent
    MEDIAN_OF_ALL = "MEDIAN_OF_ALL"
    #: nothing at all is known: it accepts when its time is nearly over
    TIME_LIMIT = "TIME_LIMIT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """How somebody is assumed to answer."""

    kind: AnswerKind
    wait_s: int
    basis: Basis
    #: answers that it rests on
    cases: int


class Habits:
    """The answers of all referrals of a record."""

    def __init__(self, referrals: Iterable[RecordedReferral]) -> None:
        self._of: dict[tuple[str, Urgency | None], list[Answer]] = {}
        approvals: list[int] = []
        for referral in referrals:
            for answer in referral.answers:
                if answer.kind is AnswerKind.UNDECIDED:
                    continue
                for facility in (answer.facility, ""):
                    self._of.setdefault((facility, referral.urgency), []).append(answer)
                self._of.setdefault((answer.facility, None), []).append(answer)
            if referral.approved and referral.approval_s is not None:
                approvals.append(referral.approval_s)
        #: the middle of how long approvals took; None when there was none
        self.approval_s: int | None = round(median(approvals)) if approvals else None

    def of(self, facility: str, urgency: Urgency, limit_s: int) -> Habit:
        """Accepts, if it did so at least as often as not; after the middle time of such answers."""
        for found, basis in (
            (self._of.get((facility, urgency)), Basis.OWN_MEDIAN),
            (self._of.get((facility, None)), Basis.OWN_MEDIAN_ANY_URGENCY),
            (self._of.get(("", urgency)), Basis.MEDIAN_OF_ALL),
        ):
            if found:
                return _middle(found, basis)
        return Habit(kind=AnswerKind.ACCEPTED, wait_s=limit_s, basis=Basis.TIME_LIMIT, cases=0)


def _middle(answers: Sequence[Answer], basis: Basis) -> Habit:
    kinds = (AnswerKind.ACCEPTED, AnswerKind.DECLINED, AnswerKind.LAPSED)
    counted = {kind: [answer.wait_s for answer in answers if answer.kind is kind] for kind in kinds}
    accepts = len(counted[AnswerKind.ACCEPTED]) * 2 >= len(answers)
    # What is as frequent goes by the order above, so that the same record gives the same answer.
    kind = AnswerKind.ACCEPTED if accepts else max(kinds[1:], key=lambda each: len(counted[each]))
    return Habit(kind=kind, wait_s=round(median(counted[kind])), basis=basis, cases=len(answers))


def within(kind: AnswerKind, wait_s: int, given_s: int | None, limit_s: int) -> tuple[AnswerKind, int]:
    """An answer under another limit: who would be too late lapses, who said nothing says nothing for longer.

    `given_s` is the limit under which it was recorded; who kept no limit then is not held to the same one.
    """
    if kind is AnswerKind.UNDECIDED or given_s == limit_s:
        return kind, wait_s
    if kind is AnswerKind.LAPSED:
        return kind, limit_s
    if wait_s > limit_s and (given_s is None or limit_s < given_s):
        return AnswerKind.LAPSED, limit_s
    return kind, wait_s
