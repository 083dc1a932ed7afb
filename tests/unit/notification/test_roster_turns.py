"""Who holds a post when: turns, shifts over them, exchanges, leave, holidays and make-up workdays."""

from dataclasses import replace
from datetime import date

import pytest

from services.notification.adapters.national_calendar import NationalCalendar
from services.notification.domain.roster_calendar import WorkCalendar, merged
from services.notification.domain.roster_slots import on_duty, slots_at, timeline
from services.notification.domain.roster_values import DayKind, Post, RotationPeriod, SlotOrigin
from services.notification.domain.values import Pathway
from tests.unit.notification.rosters import duty
from tests.unit.notification.turns import (
    BACKUP,
    REST_DAYS,
    STROKE,
    WORKDAYS,
    day,
    holder,
    leave,
    local,
    roster,
    rotation,
    shift,
    swap,
)


def test_a_day_each_from_hand_over_to_hand_over() -> None:
    state = roster(rotations=(rotation("a", "b", "c"),))
    assert holder(state, "2026-01-05 07:59") == ""
    assert holder(state, "2026-01-05 08:00") == "a"
    assert holder(state, "2026-01-06 07:59") == "a", "the night belongs to the day"
    assert [holder(state, f"2026-01-{number:02d} 12:00") for number in (6, 7, 8)] == ["b", "c", "a"]


def test_a_week_each_begins_on_the_weekday_of_the_first_day() -> None:
    weekly = rotation("a", "b", period=RotationPeriod.WEEKLY, starts_on="2026-01-07")
    state = roster(rotations=(weekly,))
    assert holder(state, "2026-01-13 23:00") == "a"
    assert holder(state, "2026-01-14 07:59") == "a"
    assert holder(state, "2026-01-14 08:00") == "b"
    assert holder(state, "2026-01-21 08:00") == "a"


def test_day_and_night_are_rotations_of_their_own_on_one_post() -> None:
    state = roster(
        rotations=(
            rotation("a", "b", handover="08:00", until="18:00"),
            rotation("x", "y", handover="18:00", until="08:00"),
        )
    )
    assert [holder(state, f"2026-01-05 {clock}") for clock in ("08:00", "17:59", "18:00", "23:59")] == [
        "a",
        "a",
        "x",
        "x",
    ]
    assert holder(state, "2026-01-06 07:59") == "x"


def test_it_ends_with_its_last_day_s_turn() -> None:
    state = roster(rotations=(rotation("a", ends_on="2026-01-06"),))
    assert holder(state, "2026-01-07 07:59") == "a"
    assert holder(state, "2026-01-07 08:00") == ""


def test_another_zone_has_another_midnight() -> None:
    state = roster(rotations=(rotation("a", "b"),), utc_offset_minutes=360)
    assert holder(state, "2026-01-05 09:59") == "", "07:59 by the site's own clock"
    assert holder(state, "2026-01-05 10:00") == "a"


def test_holiday_duty_has_its_own_pattern_and_takes_nobody_s_turn_away() -> None:
    """National Day 2026: 1 to 7 October off, 20 September and 10 October are worked instead."""
    national = NationalCalendar().special_days(2026, 2026)
    table = WorkCalendar(national)
    assert table.kind(date(2026, 10, 1)) is DayKind.HOLIDAY
    assert table.kind(date(2026, 10, 10)) is DayKind.MAKEUP_WORKDAY, "a Saturday"
    assert table.kind(date(2026, 10, 11)) is DayKind.WEEKEND
    state = replace(
        roster(
            rotations=(
                rotation("a", "b", days=WORKDAYS, starts_on="2026-09-28"),
                rotation("x", "y", days=REST_DAYS, starts_on="2026-09-28"),
            )
        ),
        special_days=national,
    )
    noon = {number: holder(state, f"2026-10-{number:02d} 12:00") for number in range(1, 12)}
    assert [noon[number] for number in range(1, 8)] == ["x", "y", "x", "y", "x", "y", "x"]
    # 28, 29, 30 September were a, b, a; the turn goes on where it stopped.
    assert [noon[number] for number in (8, 9, 10)] == ["b", "a", "b"], "10 October is a make-up workday"
    assert noon[11] == "y"


def test_the_site_s_own_table_stands_over_the_national_one() -> None:
    national = (day("2026-10-10", DayKind.MAKEUP_WORKDAY), day("2026-10-01", DayKind.HOLIDAY))
    site = (day("2026-10-10", DayKind.WEEKEND),)
    assert [each.kind for each in merged(national, site)] == [DayKind.HOLIDAY, DayKind.WEEKEND]


@pytest.mark.parametrize("kinds", [(), WORKDAYS, REST_DAYS, (DayKind.HOLIDAY,), tuple(DayKind)])
def test_days_are_counted_as_they_would_be_one_by_one(kinds: tuple[DayKind, ...]) -> None:
    table = WorkCalendar(NationalCalendar().special_days(2025, 2026))
    first = date(2025, 9, 3)
    counted = 0
    for number in range(500):
        at = date.fromordinal(first.toordinal() + number)
        assert table.count(first, at, kinds) == counted
        counted += table.is_among(at, kinds)
    assert table.count(first, date(2025, 1, 1), kinds) == 0


def test_a_shift_stands_over_the_turn_and_leaves_the_rest_of_it() -> None:
    state = roster(
        rotations=(rotation("a", "b"),), shifts=(shift("z", "2026-01-05 20:00", "2026-01-05 22:00"),)
    )
    assert [holder(state, f"2026-01-05 {clock}") for clock in ("19:59", "20:00", "21:59", "22:00")] == [
        "a",
        "z",
        "z",
        "a",
    ]


def test_two_exchange_a_turn() -> None:
    state = roster(
        rotations=(rotation("a", "b", "c"),),
        swaps=(swap(("a", "2026-01-05 08:00"), ("c", "2026-01-07 08:00")),),
    )
    assert [holder(state, f"2026-01-{number:02d} 12:00") for number in range(5, 9)] == ["c", "b", "a", "a"]
    (slot,) = slots_at(state, local("2026-01-05 12:00"))
    assert slot.origin is SlotOrigin.SWAP
    stale = replace(state, rotations=(rotation("b", "a", "c"),))
    assert holder(stale, "2026-01-05 12:00") == "b", (
        "an exchange of a turn that is somebody else's now moves nothing"
    )


def test_leave_is_a_gap_or_the_substitute_s() -> None:
    away = roster(
        rotations=(rotation("a", "b"),), leaves=(leave("a", "2026-01-05 12:00", "2026-01-05 20:00"),)
    )
    assert [holder(away, f"2026-01-05 {clock}") for clock in ("11:59", "12:00", "20:00")] == ["a", "", "a"]
    (slot,) = slots_at(away, local("2026-01-05 12:00"))
    assert (slot.holder, slot.absent) == (None, "a")
    covered = roster(
        rotations=(rotation("a", "b"),), leaves=(leave("a", "2026-01-05 12:00", "2026-01-05 20:00", "s"),)
    )
    (slot,) = slots_at(covered, local("2026-01-05 12:00"))
    assert slot.holder and (slot.holder.user, slot.absent, slot.origin) == ("s", "a", SlotOrigin.SUBSTITUTE)


def test_a_substitute_who_is_away_too_is_stood_in_for_and_a_circle_is_a_gap() -> None:
    day_off = ("2026-01-05 00:00", "2026-01-07 00:00")
    chain = roster(rotations=(rotation("a"),), leaves=(leave("a", *day_off, "s"), leave("s", *day_off, "t")))
    assert holder(chain, "2026-01-05 12:00") == "t"
    circle = roster(rotations=(rotation("a"),), leaves=(leave("a", *day_off, "s"), leave("s", *day_off, "a")))
    assert holder(circle, "2026-01-05 12:00") == ""


def test_leave_holds_for_plain_duties_and_exchanged_turns_too() -> None:
    off = (leave("a", "2026-01-05 00:00", "2026-01-06 00:00"),)
    plain = roster(duties=(duty("a"), duty("b")), leaves=off)
    assert [one.user for one in on_duty(plain, "STROKE", "duty", local("2026-01-05 12:00"))] == ["b"]
    exchanged = roster(
        rotations=(rotation("b", "a"),),
        swaps=(swap(("b", "2026-01-05 08:00"), ("a", "2026-01-06 08:00")),),
        leaves=off,
    )
    assert holder(exchanged, "2026-01-05 12:00") == ""


def test_seats_are_called_in_their_order_and_pathways_first() -> None:
    second = replace(STROKE, seat=2)
    maternal = Post(role="clinician", step="duty", pathway=Pathway.MATERNAL)
    state = roster(
        rotations=(
            rotation("b", post=second),
            rotation("a"),
            rotation("m", post=maternal),
            rotation("g", post=Post(role="clinician", step="duty")),
        )
    )
    at = local("2026-01-05 12:00")
    assert [one.user for one in on_duty(state, "STROKE", "duty", at)] == ["a", "b"]
    called = {
        pathway: [one.user for one in on_duty(state, "clinician", "duty", at, pathway)]
        for pathway in (Pathway.MATERNAL, Pathway.STROKE)
    }
    assert called == {Pathway.MATERNAL: ["m"], Pathway.STROKE: ["g"]}
    assert {one.user for one in on_duty(state, "clinician", "duty", at)} == {"m", "g"}
    assert on_duty(state, "STROKE", BACKUP.step, at) == ()


def test_a_timeline_has_whole_turns_in_order() -> None:
    state = roster(rotations=(rotation("a", "b"), rotation("x", post=BACKUP)))
    found = timeline(state, local("2026-01-05 12:00"), local("2026-01-06 12:00"))
    assert [(slot.holder.user if slot.holder else "", slot.starts_at) for slot in found] == [
        ("x", local("2026-01-05 08:00")),
        ("a", local("2026-01-05 08:00")),
        ("x", local("2026-01-06 08:00")),
        ("b", local("2026-01-06 08:00")),
    ]
