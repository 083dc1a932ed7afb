"""After the acceptance: each step is asked after, a few times, and nothing is cancelled by it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.events import (
    BedAnswerOverdue,
    BedReleased,
    DepartureOverdue,
    Event,
    StepOverdue,
)
from services.referral.domain.record_values import SummaryCompletion
from services.referral.domain.referral import deadlines
from services.referral.domain.referral_values import BedRegion
from services.referral.domain.values import BedType
from services.referral.domain.worklist import is_overdue
from tests.unit.referral.referral.chart import Chart, names, where
from tests.unit.referral.referral.network import AMBULANCE, GENERAL, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.reminders import DAY, HOUR, MINUTE, asked_after, due_in
from tests.unit.referral.referral.stories import (
    ADVANCED,
    ARRIVE,
    CANCEL,
    CREATE,
    DEPART,
    REASON,
    accepted,
    arrived,
    bed,
    bed_held,
    in_transit,
    in_treatment,
    no_show,
    told,
    transport_arranged,
)

SYMPTOMS = SummaryCompletion(symptoms="言语不清")


@pytest.mark.parametrize(
    ("story", "key", "event", "limit", "again"),
    [
        (accepted, "departure", "DepartureOverdue", 30 * MINUTE, 30 * MINUTE),
        (transport_arranged, "departure", "DepartureOverdue", 30 * MINUTE, 30 * MINUTE),
        (in_transit, "arrival", "ArrivalOverdue", (95 + 15) * MINUTE, 15 * MINUTE),
        (no_show, "no-show", "NoShowUnresolved", 30 * MINUTE, 30 * MINUTE),
        (arrived, "treatment-start", "TreatmentStartOverdue", HOUR, HOUR),
        (in_treatment, "treatment", "TreatmentOverdue", 14 * DAY, 14 * DAY),
    ],
)
def test_an_emergency_that_stands_still_is_told_of_three_times(
    story: Callable[[], Chart], key: str, event: str, limit: timedelta, again: timedelta
) -> None:
    chart = story()
    state = where(chart)
    assert not is_overdue(chart.referral)
    assert due_in(chart, key) == limit
    for number in (1, 2, 3):
        before = chart.referral
        (found,) = chart.due(key)
        assert isinstance(found, StepOverdue)
        assert (names([found]), found.again) == ([event], number > 1)
        assert found.due_at == before.next_step_due_at
        assert (where(chart), chart.referral.next_step_reminders) == (state, number)
        assert is_overdue(chart.referral)
        if number < 3:
            assert due_in(chart, key) == again
    assert not asked_after(chart, key)
    assert chart.referral.next_step_due_at is None


def test_who_is_told_is_who_must_act() -> None:
    facilities = {
        names([event])[0]: event.facility
        for story in (accepted, in_transit, no_show, arrived, in_treatment)
        for event in [chart_event(story())]
    }
    assert facilities == {
        "DepartureOverdue": "wucaiwan",
        "ArrivalOverdue": "jimsar-general",
        "NoShowUnresolved": "wucaiwan",
        "TreatmentStartOverdue": "jimsar-general",
        "TreatmentOverdue": "jimsar-general",
    }


def chart_event(chart: Chart) -> Any:
    kinds = ("departure", "arrival", "no-show", "treatment")
    return next(chart.due(kind)[0] for kind in kinds if asked_after(chart, kind))


def test_the_next_step_begins_with_a_clean_sheet() -> None:
    chart = bed_held()
    chart.due("departure")
    told((replace(DEPART, transport=ADVANCED), WUCAIWAN), chart=chart)
    assert (chart.referral.next_step_reminders, is_overdue(chart.referral)) == (0, False)
    chart.due("arrival")
    told((ARRIVE, GENERAL), chart=chart)
    assert not is_overdue(chart.referral)
    assert chart.keys() == ["treatment-start"]


def test_what_ends_or_is_taken_back_is_asked_after_no_more() -> None:
    withdrawn = told((c.WithdrawAcceptance(reason=REASON), GENERAL), chart=accepted())
    assert withdrawn.keys() == ["expire"]
    cancelling = told((CANCEL, WUCAIWAN), chart=accepted())
    assert cancelling.keys() == ["cancellation"]
    for chart in (withdrawn, cancelling):
        assert (chart.referral.next_step_due_at, chart.referral.next_step_reminders) == (None, 0)


# ---- the bed


def test_a_bed_service_that_says_nothing_is_told_of_once() -> None:
    chart = accepted()
    start = chart.now
    (event,) = chart.due("bed-answer")
    assert event == BedAnswerOverdue(
        facility="jimsar-general", due_at=start + 2 * MINUTE, bed_type=BedType.STROKE_UNIT
    )
    assert (chart.keys(), is_overdue(chart.referral)) == (["departure"], True)
    chart.when(bed(BedNews.HELD), SYSTEM)
    assert not is_overdue(chart.referral)


@pytest.mark.parametrize("news", [BedNews.HELD, BedNews.UNAVAILABLE])
def test_any_word_of_the_bed_service_is_an_answer(news: BedNews) -> None:
    assert not asked_after(told((bed(news), SYSTEM), chart=accepted()), "bed-answer")


def test_nobody_waits_for_a_bed_that_was_not_asked_for() -> None:
    assert accepted(replace(CREATE, bed_type=None)).keys() == ["departure"]


def test_the_bed_of_a_diversion_is_asked_after_anew() -> None:
    chart = in_transit()
    chart.when(c.DivertPatient(destination_facility="east-hospital", reason=REASON), AMBULANCE)
    assert (chart.referral.bed_region, due_in(chart, "bed-answer")) == (BedRegion.REQUESTED, 2 * MINUTE)


@pytest.mark.parametrize(
    ("story", "expected"),
    [(bed_held, True), (transport_arranged, True), (in_transit, True), (no_show, False), (arrived, False)],
)
def test_a_bed_that_is_given_back_says_whether_the_patient_still_comes(
    story: Callable[[], Chart], expected: bool
) -> None:
    (event,) = story().when(bed(BedNews.RELEASED), SYSTEM)
    assert isinstance(event, BedReleased)
    assert event.expected is expected


# ---- trails from before


def without_limits(event: Event) -> Event:
    """The event as it was written before there were limits."""
    new = ("departure_due_at", "arrival_due_at", "follow_up_due_at", "treatment_start_due_at")
    added = (*new, "treatment_due_at", "bed_answer_due_at")
    old: dict[str, Any] = {name: None for name in added if hasattr(event, name)}
    return replace(event, **old)


def aged(chart: Chart) -> Chart:
    old = Chart(now=chart.now)
    context = old.context(SYSTEM)
    old.take([without_limits(event) for event in chart.events], context)
    assert old.referral.next_step_due_at is None
    return old


@pytest.mark.parametrize(
    ("story", "key"),
    [
        (accepted, "departure"),
        (transport_arranged, "departure"),
        (no_show, "no-show"),
        (arrived, "treatment-start"),
        (in_treatment, "treatment"),
    ],
)
def test_an_old_trail_is_asked_after_from_its_next_change_on(story: Callable[[], Chart], key: str) -> None:
    """The store adds what is new among the deadlines: so each change must make another key of it."""
    chart = aged(story())
    before = {each.key for each in deadlines(chart.referral)}
    chart.when(c.CompleteRecord(record=None, clinical_summary=SYMPTOMS), WUCAIWAN)
    after = [each for each in deadlines(chart.referral) if each.key.startswith(f"{key}:")]
    assert len(after) == 1
    assert after[0].key not in before
    assert names(chart.due(key))[0].endswith(("Overdue", "Unresolved"))
    assert chart.referral.next_step_reminders == 1


def test_an_old_departure_is_due_when_its_window_ends() -> None:
    chart = aged(accepted())
    assert deadlines(chart.referral)[0].due_at == chart.referral.hold_until


def test_an_old_journey_keeps_the_deadline_that_was_written() -> None:
    chart = aged(in_transit())
    until = chart.referral.hold_until
    assert until is not None
    assert [each.key for each in deadlines(chart.referral)] == [f"arrival:{until.isoformat()}"]
    state = replace(chart.referral, arrival_overdue=True)
    assert deadlines(state) == ()
    assert is_overdue(state)


def test_a_standing_order_has_its_own_dates() -> None:
    for story in (bed_held, arrived, in_treatment):
        chart = story()
        chart.state = replace(chart.referral, standing_order="standing_orders/1", next_step_reminders=1)
        assert chart.keys() == []
        assert not is_overdue(chart.referral)
    # Whoever was sent on the road is to arrive, whatever the calendar says.
    on_the_road = in_transit()
    on_the_road.state = replace(on_the_road.referral, standing_order="standing_orders/1")
    assert on_the_road.keys() == ["arrival"]


def test_a_departure_that_happened_meanwhile_is_not_told_of() -> None:
    chart = bed_held()
    (key,) = [each.key for each in deadlines(chart.referral) if each.key.startswith("departure:")]
    told((replace(DEPART, transport=ADVANCED), WUCAIWAN), chart=chart)
    assert chart.later(hours=1).when(c.MeetDeadline(key=key), SYSTEM) == ()


def test_reminders_after_an_outage_come_one_by_one() -> None:
    """The worker was away for a day: the next reminder counts from now."""
    chart = accepted()
    (key,) = [each.key for each in deadlines(chart.referral) if each.key.startswith("departure:")]
    chart.later(days=1)
    (event,) = chart.when(c.MeetDeadline(key=key), SYSTEM)
    assert isinstance(event, DepartureOverdue)
    assert event.due_at == chart.now - DAY + 30 * MINUTE
    assert event.next_due_at == chart.now + 30 * MINUTE
