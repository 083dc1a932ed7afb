"""ApplyRoster, and who is on duty when."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from services.notification.domain import roster
from services.notification.domain.roster import Roster, on_duty
from services.notification.domain.roster_commands import ApplyRoster, RosterApplied
from services.notification.domain.values import Duty, Recipient
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import InvalidInput, NotPermitted
from tests.unit.notification.rosters import OPERATOR, duty, roster_of
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, context, person

HOUR = timedelta(hours=1)


def decide(
    state: Roster | None, *duties: Duty, by: Actor = OPERATOR, facility: str = HOSPITAL, dry_run: bool = False
) -> tuple[RosterApplied, ...]:
    return roster.decide(state, ApplyRoster(facility=facility, duties=duties, dry_run=dry_run), context(by))


def test_a_roster_is_what_was_applied_last() -> None:
    (event,) = decide(None, duty("dr-li"))
    assert event == RosterApplied(facility=HOSPITAL, duties=(duty("dr-li"),))
    state = roster_of(*event.duties)
    assert (state.name, state.version, state.facility) == (f"rosters/{HOSPITAL}", 1, HOSPITAL)
    (second,) = decide(state, duty("dr-wang"))
    assert second.duties == (duty("dr-wang"),)


def test_the_same_roster_again_changes_nothing_in_whichever_order() -> None:
    state = roster_of(duty("dr-li"), duty("dr-wang", step="backup"))
    assert decide(state, duty("dr-wang", step="backup"), duty("dr-li")) == ()
    assert decide(None) == ()


def test_a_dry_run_says_what_would_change_and_changes_nothing() -> None:
    state = roster_of(duty("dr-li"), duty("dr-wang"))
    wanted = (duty("dr-li"), duty("dr-zhao"), duty("dr-sun"))
    assert decide(state, *wanted, dry_run=True) == ()
    found = roster.change(state, roster_of(*wanted))
    assert (found.added, found.removed) == (2, 1)
    assert [each.text.zh for each in found.differences if each.difference == "REMOVED"] == [
        "卒中中心一线值班 dr-wang 长期"
    ]
    found = roster.change(None, roster_of(*wanted))
    assert (found.added, found.removed) == (3, 0)


def test_a_dry_run_refuses_what_the_run_would_refuse() -> None:
    with pytest.raises(InvalidInput):
        decide(None, duty("dr-li", step="boss"), dry_run=True)


@pytest.mark.parametrize(
    "by",
    [
        OPERATOR,
        person(Role.COORDINATOR, facility=BRANCH),
        person(Role.COORDINATOR),
        person(Role.REFERRAL_OFFICE),
    ],
    ids=str,
)
def test_who_may_apply_a_roster(by: Actor) -> None:
    assert decide(None, duty("dr-li"), by=by)


@pytest.mark.parametrize(
    "by",
    [person(Role.CLINICIAN), person(Role.REFERRAL_OFFICE, facility=BRANCH), person(Role.SYSTEM)],
    ids=str,
)
def test_who_may_not(by: Actor) -> None:
    with pytest.raises(NotPermitted) as refused:
        decide(None, duty("dr-li"), by=by)
    assert refused.value.reason == "ROSTER_NOT_THEIRS"


def test_the_caller_s_own_facility_is_meant_when_none_is_named() -> None:
    (event,) = decide(None, duty("dr-li"), by=person(Role.REFERRAL_OFFICE), facility="")
    assert event.facility == HOSPITAL
    with pytest.raises(InvalidInput) as refused:
        decide(None, duty("dr-li"), by=OPERATOR, facility="")
    assert [violation.field for violation in refused.value.violations] == ["facility"]


def test_every_wrong_duty_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        decide(
            None,
            duty("a", facility=BRANCH),
            duty("b", step="fallback"),
            duty("c", starts_at=NOW, ends_at=NOW),
            duty("d"),
            duty("d"),
        )
    assert [(item.field, item.reason) for item in refused.value.violations] == [
        ("duties[0].facility", "ANOTHER_FACILITY"),
        ("duties[1].step", "UNKNOWN_STEP"),
        ("duties[2].ends_at", "ENDS_BEFORE_START"),
        ("duties[4]", "DUPLICATE"),
    ]


def test_a_roster_has_no_deadlines_and_is_its_facility_s() -> None:
    state = roster_of(duty("dr-li"))
    assert roster.deadlines(state) == ()
    assert roster.facets(state) == {"parties": [HOSPITAL], "live": True, "facility": HOSPITAL}
    assert roster.allowed_commands(state) == ("ApplyRoster", "ProposeSwap")


def test_a_duty_begins_with_its_start_and_is_over_at_its_end() -> None:
    state = roster_of(
        duty("early", starts_at=NOW - HOUR, ends_at=NOW),
        duty("late", starts_at=NOW, ends_at=NOW + HOUR),
    )
    assert users(state, NOW - HOUR) == ["early"]
    assert users(state, NOW) == ["late"]
    assert users(state, NOW + HOUR) == []
    assert users(state, NOW - 2 * HOUR) == []


def test_without_both_ends_a_duty_is_always_on_and_with_one_it_is_open() -> None:
    state = roster_of(duty("always"), duty("from", starts_at=NOW), duty("until", ends_at=NOW))
    assert users(state, NOW - HOUR) == ["always", "until"]
    assert users(state, NOW) == ["always", "from"]


def test_a_role_with_nobody_falls_back_to_the_facility_s_any_role() -> None:
    state = roster_of(duty("dr-any", role="*"), duty("dr-li", starts_at=NOW), duty("lead", step="lead"))
    assert users(state, NOW) == ["dr-li"], "the role's own people come first"
    assert users(state, NOW - HOUR) == ["dr-any"]
    assert users(state, NOW, role="bed_desk") == ["dr-any"]
    assert on_duty(state, "bed_desk", "lead", NOW) == ()
    assert on_duty(None, "STROKE", "duty", NOW) == ()


def test_recipients_come_in_the_roster_s_order_and_nobody_twice() -> None:
    state = roster_of(duty("a", channels=("sms",)), duty("b"), duty("a", starts_at=NOW, channels=("voice",)))
    assert on_duty(state, "STROKE", "duty", NOW) == (
        Recipient(user="a", name="a", channels=("sms",)),
        Recipient(user="b", name="b"),
    )


def users(state: Roster, at: datetime, role: str = "STROKE") -> list[str]:
    return [recipient.user for recipient in on_duty(state, role, "duty", at)]


shifts = st.builds(
    lambda user, role, start, length: replace(
        duty(user, role),
        starts_at=None if start is None else NOW + timedelta(minutes=start),
        ends_at=None if start is None else NOW + timedelta(minutes=start + length),
    ),
    st.sampled_from("abc"),
    st.sampled_from(["STROKE", "*"]),
    st.none() | st.integers(-60, 60),
    st.integers(1, 60),
)


@settings(max_examples=100, deadline=None)
@generate(st.lists(shifts, max_size=8), st.integers(-130, 130))
def test_who_is_on_duty_has_a_duty_then(duties: list[Duty], minute: int) -> None:
    at = NOW + timedelta(minutes=minute)
    state = Roster(name="rosters/x", version=1, facility=HOSPITAL, duties=tuple(duties))
    present = [
        item
        for item in duties
        if item.starts_at is None or item.ends_at is None or item.starts_at <= at < item.ends_at
    ]
    own = {item.user for item in present if item.role == "STROKE"}
    expected = own or {item.user for item in present}
    found = users(state, at)
    assert set(found) == expected
    assert len(found) == len(expected)
