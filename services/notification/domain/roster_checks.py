"""What is wrong with a roster: every fault at once, each with the path of its field, zh and en."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from services.notification.domain.clock_times import (
    DAY_MINUTES,
    calendar_date,
    clock_minutes,
    local_moment,
)
from services.notification.domain.roster_conflicts import conflicts
from services.notification.domain.roster_fault_texts import FAULTS
from services.notification.domain.roster_state import Roster, offset_minutes
from services.notification.domain.roster_texts import KNOWN_ROLES
from services.notification.domain.roster_values import Post, Requirement, Rotation
from services.notification.domain.values import Duty, DutyStep
from services.shared.kernel.refusals import FieldViolation

_STEPS = frozenset(step.value for step in DutyStep if step is not DutyStep.FALLBACK)

#: Turns are counted from the first day on: further back nobody remembers whose turn it was.
_AGE_MAX = timedelta(days=5 * 366)

#: A fault: path, code, and what is put into its text.
Found = tuple[str, str, str]


def faults(
    roster: Roster, at: datetime, *, facilities: Collection[str] = (), roles: Collection[str] = ()
) -> tuple[FieldViolation, ...]:
    """Everything that is wrong; empty for a sound roster.

    `facilities` and `roles` are those that are known; where none are, none is refused for being unknown.
    What two entries do to each other is looked at once each is sound by itself.
    """
    found = [*_facility(roster, facilities), *_entries(roster, at, roles)]
    if not found:
        found = list(conflicts(roster, at))
    return tuple(violation(*each) for each in found)


def violation(field: str, reason: str, detail: str) -> FieldViolation:
    text = FAULTS[reason]
    return FieldViolation(
        field=field,
        reason=reason,
        description=f"{text.zh.format(detail=detail)} · {text.en.format(detail=detail)}",
    )


def _facility(roster: Roster, facilities: Collection[str]) -> Iterator[Found]:
    if not roster.facility:
        yield "facility", "REQUIRED", ""
    elif facilities and roster.facility not in facilities:
        yield "facility", "UNKNOWN_FACILITY", roster.facility


def _entries(roster: Roster, at: datetime, roles: Collection[str]) -> Iterator[Found]:
    yield from _duties(roster, roles)
    for index, rotation in enumerate(roster.rotations):
        yield from _rotation(f"rotations[{index}]", rotation, roster, at, roles)
    for index, requirement in enumerate(roster.requirements):
        yield from _requirement(f"requirements[{index}]", requirement, roles)
    for index, swap in enumerate(roster.swaps):
        for name, side in (("first", swap.first), ("second", swap.second)):
            yield from _post(f"swaps[{index}].{name}.post", side.post, roles)
    yield from _leaves(roster)
    yield from _calendar(roster)
    if roster.utc_offset_minutes is not None and abs(roster.utc_offset_minutes) >= DAY_MINUTES:
        yield "utc_offset_minutes", "NOT_AN_OFFSET", ""


def _duties(roster: Roster, roles: Collection[str]) -> Iterator[Found]:
    seen: set[Duty] = set()
    for section, duties in (("duties", roster.duties), ("shifts", roster.shifts)):
        for index, duty in enumerate(duties):
            path = f"{section}[{index}]"
            yield from _duty(path, duty, roster.facility, roles)
            if section == "shifts" and (duty.starts_at is None or duty.ends_at is None):
                yield path, "SHIFT_WITHOUT_TIMES", ""
            if section == "duties" and duty.seat:
                yield f"{path}.seat", "SEAT_OF_A_PLAIN_DUTY", ""
            if duty in seen:
                yield path, "DUPLICATE", ""
            seen.add(duty)


def _duty(path: str, duty: Duty, facility: str, roles: Collection[str]) -> Iterator[Found]:
    if facility and duty.facility != facility:
        yield f"{path}.facility", "ANOTHER_FACILITY", facility
    yield from _post(path, Post(role=duty.role, step=duty.step, seat=duty.seat), roles)
    if duty.starts_at is not None and duty.ends_at is not None and duty.ends_at <= duty.starts_at:
        yield f"{path}.ends_at", "ENDS_BEFORE_START", ""


def _post(path: str, post: Post, roles: Collection[str]) -> Iterator[Found]:
    if roles and post.role not in roles and post.role not in KNOWN_ROLES:
        yield f"{path}.role", "UNKNOWN_ROLE", post.role
    if post.step not in _STEPS:
        yield f"{path}.step", "UNKNOWN_STEP", ", ".join(sorted(_STEPS))


def _rotation(
    path: str, rotation: Rotation, roster: Roster, at: datetime, roles: Collection[str]
) -> Iterator[Found]:
    yield from _post(f"{path}.post", rotation.post, roles)
    if not rotation.people:
        yield f"{path}.people", "NOBODY", ""
    begins, ends = calendar_date(rotation.starts_on), calendar_date(rotation.ends_on)
    if begins is None:
        yield f"{path}.starts_on", "NOT_A_DATE", rotation.starts_on
    elif local_moment(begins, 0, offset_minutes(roster)) < at - _AGE_MAX:
        yield f"{path}.starts_on", "TOO_LONG_AGO", rotation.starts_on
    if rotation.ends_on and ends is None:
        yield f"{path}.ends_on", "NOT_A_DATE", rotation.ends_on
    if begins is not None and ends is not None and ends < begins:
        yield f"{path}.ends_on", "ENDS_BEFORE_START", ""
    yield from _clock_time(f"{path}.handover", rotation.handover, is_required=True)
    yield from _clock_time(f"{path}.until", rotation.until, is_required=False)


def _requirement(path: str, requirement: Requirement, roles: Collection[str]) -> Iterator[Found]:
    yield from _post(f"{path}.post", requirement.post, roles)
    both = bool(requirement.starts) == bool(requirement.ends)
    if not both:
        yield path, "HALF_A_SPAN", ""
    yield from _clock_time(f"{path}.starts", requirement.starts, is_required=False)
    yield from _clock_time(f"{path}.ends", requirement.ends, is_required=False)


def _leaves(roster: Roster) -> Iterator[Found]:
    for index, leave in enumerate(roster.leaves):
        path = f"leaves[{index}]"
        if leave.ends_at <= leave.starts_at:
            yield f"{path}.ends_at", "ENDS_BEFORE_START", ""
        if leave.substitute is not None and leave.substitute.user == leave.user:
            yield f"{path}.substitute", "OWN_SUBSTITUTE", leave.user


def _calendar(roster: Roster) -> Iterator[Found]:
    seen: set[str] = set()
    for index, day in enumerate(roster.calendar):
        path = f"calendar[{index}].date"
        if calendar_date(day.date) is None:
            yield path, "NOT_A_DATE", day.date
        if day.date in seen:
            yield path, "DAY_TWICE", day.date
        seen.add(day.date)


def _clock_time(path: str, value: str, *, is_required: bool) -> Iterator[Found]:
    if (value or is_required) and clock_minutes(value) is None:
        yield path, "NOT_A_TIME", value
