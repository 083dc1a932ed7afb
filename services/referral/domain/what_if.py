"""The other course of events: a recorded referral under another directory or policy.

Whom its origin listed is asked in its order, as far as the norms still allow; who is left out, and who was
never asked, follows from the same functions as `CreateReferral` and `ExplainReferral`. What people would have
said is not known: each answer says what it rests on (`Basis`). Nothing of beds is in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.referral.domain.directory_state import Directory, Facility
from services.referral.domain.explaining import ExplainReferral, explain, question
from services.referral.domain.norms import Assessment, Request, assess, holds
from services.referral.domain.policy import ReferralPolicy, Terms
from services.referral.domain.referral_values import Dispatch
from services.referral.domain.what_if_course import (
    Asked,
    Assumption,
    Comparison,
    Course,
    LeftOut,
    Outcome,
    recorded_course,
)
from services.referral.domain.what_if_habits import Basis, Habits, within
from services.referral.domain.what_if_record import (
    Answer,
    AnswerKind,
    RecordedReferral,
    Round,
    is_seen_late,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """What is to be tried instead of what was in force."""

    directory: Directory
    policy: ReferralPolicy


def compare(
    referral: RecordedReferral, door_in_at: datetime | None, changed: Changed, habits: Habits
) -> Comparison:
    """Both courses of one referral. `door_in_at` is when the patient came through the origin's door."""
    request = referral.request
    recorded = recorded_course(referral, door_in_at)
    other = _Other(referral, changed, habits)
    what_if = other.course(recorded)
    return Comparison(
        name=referral.name,
        episode=request.episode,
        origin=request.origin_facility,
        urgency=request.urgency,
        pathway=request.pathway,
        requested_at=referral.requested_at,
        recorded=recorded,
        what_if=what_if,
        left_out=tuple(other.left_out),
        assumptions=tuple(dict.fromkeys(other.assumptions)),
    )


@dataclass(slots=True)
class _Other:
    """The other course of one referral while it is worked out."""

    referral: RecordedReferral
    changed: Changed
    habits: Habits
    left_out: list[LeftOut] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    #: since the request
    at_s: int = 0
    #: whether the lead facility let it leave; None while it was not asked
    approved: bool | None = None

    def course(self, recorded: Course) -> Course:
        directory = self.changed.directory
        origin = directory.facility(self.referral.request.origin_facility)
        outcome, accepted = Outcome.ORIGIN_GONE, None
        if origin is not None:
            outcome, accepted = self._asking(origin)
        stay_s = recorded.door_in_door_out_s
        if accepted is None or recorded.accepted_s is None:
            stay_s = None
        elif stay_s is not None and self.at_s != recorded.accepted_s:
            stay_s = max(0, stay_s + self.at_s - recorded.accepted_s)
            self.assumptions.append(Assumption.DEPARTURE_FOLLOWS)
        return Course(
            outcome=outcome,
            asked=tuple(self.asked),
            accepted_by="" if accepted is None else accepted.facility,
            accepted_s=None if accepted is None else self.at_s,
            travel_minutes=None if accepted is None else accepted.travel_minutes,
            door_in_door_out_s=stay_s,
        )

    def _asking(self, origin: Facility) -> tuple[Outcome, Asked | None]:
        for number, each in enumerate(self.referral.rounds):
            allowed = self._allowed(origin, each, is_first=not number)
            if any(found.needs_approval for found in allowed) and not self._is_approved():
                continue
            if allowed:
                self.at_s += each.after_s
            ended = self._round(each, [found.facility for found in allowed])
            if ended is not None:
                return ended
        if self.approved is False and not self.asked:
            return (Outcome.UNDECIDED if self.referral.approved is None else Outcome.APPROVAL_REFUSED), None
        if not self.left_out and all(each.basis is Basis.RECORDED for each in self.asked):
            # It went as it went: whoever gave up then gives up here.
            return (Outcome.EXHAUSTED if self.asked else Outcome.UNDECIDED), None
        return self._ranking(origin)

    def _is_approved(self) -> bool:
        """Whether the lead facility lets it leave; asked once, with the time that it takes."""
        referral = self.referral
        if self.approved is not None:
            return self.approved
        self.approved = True
        if referral.approved is not None and referral.approval_s is not None:
            self.approved = referral.approved
            self.at_s += referral.approval_s
        elif referral.request.needs_approval:
            # Nobody had decided when the record ended, and nobody decides for them here.
            self.approved = False
        elif self.habits.approval_s is not None:
            self.at_s += self.habits.approval_s
            self.assumptions.append(Assumption.APPROVAL_MEDIAN)
        else:
            self.assumptions.append(Assumption.APPROVAL_UNKNOWN)
        return self.approved

    def _allowed(self, origin: Facility, round_: Round, *, is_first: bool) -> list[Assessment]:
        """Those of a list that are there and that no norm forbids; the others are noted."""
        directory, there = self.changed.directory, list[Facility]()
        for name in round_.destinations:
            facility = directory.facility(name)
            if facility is None:
                self.left_out.append(LeftOut(facility=name, rules=("NOT_IN_DIRECTORY",)))
            else:
                there.append(facility)
        allowed = []
        for found in assess(self._request(origin, round_.dispatch, is_first=is_first), there):
            if found.allowed:
                allowed.append(found)
            else:
                rules = tuple(result.code for result in found.norms if not holds(result))
                self.left_out.append(LeftOut(facility=found.facility.id, rules=rules))
        return allowed

    def _request(self, origin: Facility, dispatch: Dispatch, *, is_first: bool) -> Request:
        said = self.referral.request
        return Request(
            directory=self.changed.directory,
            policy=self.changed.policy,
            origin=origin,
            urgency=said.urgency,
            pathway=said.pathway,
            dispatch=dispatch,
            consent=said.consent,
            rehabilitation_plan=said.rehabilitation_plan,
            overrides=self.referral.overrides,
            asked_before=None if is_first else tuple(each.facility for each in self.asked),
            approved=self.approved,
            continues=bool(said.parent),
            green_channel=said.green_channel if self._has_channel() else "",
        )

    def _has_channel(self) -> bool:
        return self.referral.request.green_channel in self.changed.directory.green_channels

    def _round(self, round_: Round, facilities: Sequence[Facility]) -> tuple[Outcome, Asked | None] | None:
        if round_.dispatch is Dispatch.FIRST_TO_ACCEPT:
            outrun = bool(self.referral.accepted_by)
            return self._at_once([self._answer(each, outrun=outrun) for each in facilities])
        for facility in facilities:
            ended = self._one(self._answer(facility))
            if ended is not None:
                return ended
        return None

    def _one(self, answer: Asked) -> tuple[Outcome, Asked | None] | None:
        self.asked.append(answer)
        self.at_s += answer.wait_s
        if answer.kind is AnswerKind.ACCEPTED:
            return Outcome.ACCEPTED, answer
        return (Outcome.UNDECIDED, None) if answer.kind is AnswerKind.UNDECIDED else None

    def _at_once(self, answers: Sequence[Asked]) -> tuple[Outcome, Asked | None] | None:
        accepting = [each for each in answers if each.kind is AnswerKind.ACCEPTED]
        first = min(accepting, key=lambda each: each.wait_s, default=None)
        until_s = first.wait_s if first else max((each.wait_s for each in answers), default=0)
        self.asked.extend([each if each is first else self._outrun(each, until_s) for each in answers])
        self.at_s += until_s
        if first is not None:
            return Outcome.ACCEPTED, first
        undecided = any(each.kind is AnswerKind.UNDECIDED for each in answers)
        return (Outcome.UNDECIDED, None) if undecided else None

    def _outrun(self, answer: Asked, until_s: int) -> Asked:
        """What one that was asked with others had said when the asking was over."""
        if answer.wait_s <= until_s and answer.kind is not AnswerKind.ACCEPTED:
            return answer
        known = self._recorded_answer(answer.facility)
        is_recorded = known is not None and known.wait_s >= until_s
        return replace(
            answer,
            kind=AnswerKind.UNDECIDED,
            wait_s=until_s,
            is_late=known is not None and is_seen_late(known.seen_s, until_s, self._terms().acknowledge_s),
            basis=Basis.RECORDED if is_recorded else answer.basis,
            cases=0 if is_recorded else answer.cases,
        )

    def _terms(self) -> Terms:
        said = self.referral.request
        return self.changed.policy.terms(said.urgency, said.pathway)

    def _ranking(self, origin: Facility) -> tuple[Outcome, Asked | None]:
        """Asks those that the platform would have named, the best first, as often as the policy lets it."""
        known = {each.facility for each in self.asked} | {each.facility for each in self.left_out}
        for facility in self._ranked(origin):
            if len(self.asked) > self.changed.policy.hops_max:
                break
            request = self._request(origin, Dispatch.IN_ORDER, is_first=not self.asked)
            (found,) = assess(request, (facility,))
            if facility.id in known or not found.allowed:
                continue
            if found.needs_approval and not self._is_approved():
                continue
            self.assumptions.append(Assumption.RANKING_ASKED)
            ended = self._one(self._answer(facility))
            if ended is not None:
                return ended
        return Outcome.EXHAUSTED, None

    def _ranked(self, origin: Facility) -> Iterator[Facility]:
        """As ExplainReferral ranks them, of whose beds and waits nothing is known."""
        said, changed, now = self.referral.request, self.changed, self.referral.requested_at
        query = ExplainReferral(
            origin_facility=origin.id,
            urgency=said.urgency,
            pathway=said.pathway,
            green_channel=said.green_channel if self._has_channel() else "",
            consent=said.consent,
            rehabilitation_plan=said.rehabilitation_plan,
            bed_type=said.bed_type,
        )
        asked = question(
            query, actor_facility=origin.id, directory=changed.directory, policy=changed.policy, now=now
        )
        for explained in explain(asked, {}, now):
            yield changed.directory.facilities[explained.facility]

    def _recorded_answer(self, facility: str) -> Answer | None:
        """What it said the first time, the second time…; what it said last, if it is asked more often."""
        said = [each for each in self.referral.answers if each.facility == facility]
        times = sum(each.facility == facility for each in self.asked)
        return said[min(times, len(said) - 1)] if said else None

    def _answer(self, facility: Facility, *, outrun: bool = False) -> Asked:
        """What it said, within the limits of the other policy; or what it is assumed to say.

        `outrun`: who had not decided was not asked any more, for another one had accepted.
        """
        said, terms = self.referral.request, self._terms()
        minutes = self.changed.directory.travel_minutes(said.origin_facility, facility.id)
        answer = self._recorded_answer(facility.id)
        if answer is not None and not (outrun and answer.kind is AnswerKind.UNDECIDED):
            kind, wait_s = within(answer.kind, answer.wait_s, answer.decide_s, terms.decide_s)
            late = is_seen_late(answer.seen_s, wait_s, terms.acknowledge_s)
            basis, cases = Basis.RECORDED, 0
        else:
            habit = self.habits.of(facility.id, said.urgency, terms.decide_s)
            # Who was outrun had not accepted until then.
            least_s = 0 if answer is None else answer.wait_s + 1
            kind, wait_s = within(habit.kind, max(habit.wait_s, least_s), None, terms.decide_s)
            late, basis, cases = False, habit.basis, habit.cases
        return Asked(
            facility=facility.id,
            kind=kind,
            wait_s=wait_s,
            is_late=late,
            basis=basis,
            cases=cases,
            travel_minutes=minutes,
        )
