"""What the values of a policy file are: their names, their kinds and their bounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from services.referral.domain.referral_values import CrewLevel
from services.referral.domain.values import Scope, Urgency

_YEAR_S = 366 * 86_400
_CODES_MAX = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One value that a site may set."""

    name: str
    #: what it must be, for people
    words: str
    #: the value, in a tuple; None when it is none
    read: Callable[[Any], tuple[Any] | None]
    #: may differ by pathway, though not by urgency
    by_pathway: bool = False


def _number(name: str, least: int, most: int) -> Kind:
    def read(value: Any) -> tuple[int] | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return (value,) if whole and least <= value <= most else None

    return Kind(name=name, words=f"a whole number from {least} to {most}", read=read)


def _choice(name: str, choices: type[Enum], *, by_pathway: bool = False) -> Kind:
    known = {each.value: each for each in choices}

    def read(value: Any) -> tuple[Enum] | None:
        return (known[value],) if isinstance(value, str) and value in known else None

    return Kind(name=name, words=f"one of {', '.join(known)}", read=read, by_pathway=by_pathway)


def _truth(name: str) -> Kind:
    return Kind(
        name=name, words="true or false", read=lambda value: (value,) if isinstance(value, bool) else None
    )


def _texts(name: str, words: str, fits: Callable[[str], bool]) -> Kind:
    def read(value: Any) -> tuple[tuple[str, ...]] | None:
        if not isinstance(value, list) or len(value) > _CODES_MAX or len({*map(str, value)}) != len(value):
            return None
        return (tuple(value),) if all(isinstance(each, str) and fits(each) for each in value) else None

    return Kind(name=name, words=words, read=read)


def _scopes(name: str) -> Kind:
    known = {each.value: each for each in Scope}
    texts = _texts(name, f"a list of {', '.join(known)}", known.__contains__)

    def read(value: Any) -> tuple[frozenset[Scope]] | None:
        found = texts.read(value)
        return None if found is None else (frozenset(known[each] for each in found[0]),)

    return Kind(name=name, words=texts.words, read=read)


#: Of the steps after acceptance.
STEP_LIMITS = ("bed_answer_s", "departure_s", "no_show_s", "treatment_start_s", "treatment_s")
#: The reminders of a late patient come as far apart: not every second.
STEP_MARGINS = ("departure_margin_s", "arrival_margin_s")

_ALL = (
    *(
        _number(name, 1, _YEAR_S)
        for name in (
            "acknowledge_s",
            "decide_s",
            "outcome_report_s",
            "confirm_cancellation_s",
            "expiry_s",
            *STEP_LIMITS,
            "record_completion_s",
            "approval_review_s",
            "bed_counts_stale_s",
            "wait_window_s",
        )
    ),
    *(_number(name, 60, _YEAR_S) for name in STEP_MARGINS),
    _number("overdue_reminders_max", 1, 20),
    _number("hold_margin_s", 0, _YEAR_S),
    _truth("hold_whole_day"),
    _choice("crew", CrewLevel),
    _number("hops_max", 0, 50),
    _scopes("approval_scopes"),
    _number("travel_unknown_s", 60, 7 * 86_400),
    _number("utc_offset_minutes", -840, 840),
    _number("pooling_region_digits", 1, 6),
    _texts(
        "filing_exempt_regions",
        "a list of beginnings of region codes, in quotes",
        lambda text: text.isascii() and text.isdigit() and 2 <= len(text) <= 6,
    ),
    _choice("red_flag_urgency", Urgency, by_pathway=True),
    _number("follow_up_early_days", 0, 366),
    _number("error_mark_s", 3_600, _YEAR_S),
    _texts("capacity_reasons", "a list of reason codes", lambda text: text.isupper() and len(text) <= 64),
    _number("wait_cases_min", 1, 10_000),
    _number("standing_days_max", 1, 3 * 366),
    _number("standing_horizon_days", 2, 366),
    _number("standing_top_up_days", 1, 365),
    _number("standing_record_within_s", 60, 7 * 86_400),
    _number("standing_missed_in_a_row", 1, 100),
)

KINDS: Mapping[str, Kind] = {each.name: each for each in _ALL}

#: Beginning of the names of what is configured of standing orders.
STANDING = "standing_"

#: Values that may be given for an urgency, for a pathway, or for both, and that the product does not give for
#: each: without them another counts (`approval_review_s`, the limit of the time targets).
SCOPED_AT_WILL = frozenset({"approval_review_s", "record_completion_s"})

#: Values that are given for an urgency, for a pathway, or for both.
SCOPED = frozenset(
    {
        *STEP_LIMITS,
        *STEP_MARGINS,
        "acknowledge_s",
        "decide_s",
        "hold_margin_s",
        "hold_whole_day",
        "outcome_report_s",
        "confirm_cancellation_s",
        "expiry_s",
        "crew",
    }
)
