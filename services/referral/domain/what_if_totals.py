"""What a comparison of many referrals comes to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from services.referral.domain.values import Pathway
from services.referral.domain.what_if_course import Comparison, Course, Outcome
from services.referral.domain.what_if_habits import Basis
from services.referral.domain.what_if_record import AnswerKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """One course of all referrals that have both."""

    referrals: int
    #: facilities asked
    offered: int
    accepted: int
    declined: int
    #: nobody decided in time
    lapsed: int
    #: nobody saw it in time
    late: int
    #: the middle of request to acceptance, of referrals that are accepted both ways; None for none
    accepted_median_s: int | None
    #: as above, of those whose stay is known both ways
    door_in_door_out_median_s: int | None
    door_in_door_out_count: int
    #: longer than the pathway's target; of pathways that have one
    door_in_door_out_missed: int
    #: of those whose way is known both ways
    travel_minutes: int
    travel_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Both, and how much of the other one is assumed."""

    recorded: Totals
    what_if: Totals
    #: referrals whose course is another
    changed: int
    #: referrals without an origin in the other directory
    origin_gone: int
    #: answers of the other course by what they rest on
    bases: Mapping[str, int]


def difference(comparisons: Sequence[Comparison], targets_s: Mapping[Pathway, int]) -> Difference:
    """`targets_s` are the pathways' targets from door in to door out."""
    both = [each for each in comparisons if each.what_if.outcome is not Outcome.ORIGIN_GONE]
    answers = [asked.basis for each in both for asked in each.what_if.asked]
    return Difference(
        recorded=_totals(both, lambda each: each.recorded, targets_s),
        what_if=_totals(both, lambda each: each.what_if, targets_s),
        changed=sum(is_changed(each) for each in both),
        origin_gone=len(comparisons) - len(both),
        bases={basis.value: answers.count(basis) for basis in Basis},
    )


def is_changed(comparison: Comparison) -> bool:
    """Whether anything that is counted is another."""
    return comparison.recorded != comparison.what_if


def _totals(
    comparisons: Sequence[Comparison],
    side: Callable[[Comparison], Course],
    targets_s: Mapping[Pathway, int],
) -> Totals:
    courses = [side(each) for each in comparisons]
    kinds = [asked.kind for course in courses for asked in course.asked]
    accepted = [side(each).accepted_s for each in comparisons if _both(each, _acceptance)]
    travel = [side(each).travel_minutes for each in comparisons if _both(each, _way)]
    stays = [(side(each), each.pathway) for each in comparisons if _both(each, _stay)]
    return Totals(
        referrals=len(courses),
        offered=len(kinds),
        accepted=sum(course.outcome is Outcome.ACCEPTED for course in courses),
        declined=kinds.count(AnswerKind.DECLINED),
        lapsed=kinds.count(AnswerKind.LAPSED),
        late=sum(asked.is_late for course in courses for asked in course.asked),
        accepted_median_s=_middle(accepted),
        door_in_door_out_median_s=_middle([course.door_in_door_out_s for course, _ in stays]),
        door_in_door_out_count=len(stays),
        door_in_door_out_missed=sum(
            (course.door_in_door_out_s or 0) > targets_s[pathway]
            for course, pathway in stays
            if pathway in targets_s
        ),
        travel_minutes=sum(minutes or 0 for minutes in travel),
        travel_count=len(travel),
    )


def _both(comparison: Comparison, known: Callable[[Course], int | None]) -> bool:
    """Whether it is known both ways: what is known of one alone makes no difference."""
    return known(comparison.recorded) is not None and known(comparison.what_if) is not None


def _acceptance(course: Course) -> int | None:
    return course.accepted_s


def _way(course: Course) -> int | None:
    return course.travel_minutes


def _stay(course: Course) -> int | None:
    return course.door_in_door_out_s


def _middle(values: Sequence[int | None]) -> int | None:
    return round(median(value or 0 for value in values)) if values else None
