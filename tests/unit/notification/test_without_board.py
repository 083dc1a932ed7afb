"""Without a live board nobody waits for a screen, and nobody is left out."""

from dataclasses import replace

from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from services.notification.domain.commands import GoOnWithoutBoard
from services.notification.domain.escalation import Escalation
from services.notification.domain.values import EscalationStep, Recipient
from services.notification.domain.without_board import (
    called_without_board,
    reaches_people,
    step_without_board,
)
from tests.unit.notification.scenario import ACKNOWLEDGED, DUTY, TRIGGERED, given


def step(duty: str, **channels: tuple[str, ...]) -> EscalationStep:
    recipients = tuple(Recipient(user=user, name=user, channels=found) for user, found in channels.items())
    return EscalationStep(duty=duty, facility="jimsar-general", recipients=recipients, repeat_s=120, rounds=2)


SCREEN, LEAD, LAST = (
    step("duty", li=("stream",), wang=()),
    step("lead", zhao=("sms",)),
    step("fallback", pd=()),
)


def run(steps: tuple[EscalationStep, ...], *acknowledged: str) -> Escalation:
    return Escalation(steps=steps, dedup_key="k", cause_event_id="e", run=1, acknowledged=acknowledged)


#: Who has a telephone: by the roster or by a contact point of their own.
REACHED = frozenset({"zhao"})
NONE: frozenset[str] = frozenset()


def test_people_with_a_telephone_are_called_together_with_those_who_have_only_the_board() -> None:
    first, *rest = called_without_board((SCREEN, LEAD, LAST), REACHED)
    assert [each.user for each in first.recipients] == ["li", "wang", "zhao"]
    assert (first.duty, rest) == ("lead", [LAST])


def test_who_can_be_reached_is_called_as_ever() -> None:
    assert called_without_board((LEAD, SCREEN, LAST), REACHED) == (LEAD, SCREEN, LAST)
    assert called_without_board((), REACHED) == ()


def test_where_nobody_has_a_telephone_everybody_is_called_at_once() -> None:
    (only,) = called_without_board((SCREEN, LAST), REACHED)
    assert [each.user for each in only.recipients] == ["li", "wang", "pd"]


def test_who_has_a_contact_point_is_waited_for_though_the_roster_names_no_channel() -> None:
    assert called_without_board((SCREEN, LEAD, LAST), {"wang"}) == (SCREEN, LEAD, LAST)
    assert step_without_board(run((SCREEN, LEAD)), 0, {"wang"}) is None


def test_a_channel_that_the_site_does_not_have_reaches_nobody() -> None:
    (only,) = called_without_board((LEAD, LAST), NONE)
    assert [each.user for each in only.recipients] == ["zhao", "pd"]


def test_an_open_alert_goes_on_when_the_last_board_goes() -> None:
    policy = (SCREEN, step("backup", sun=()), LEAD)
    assert step_without_board(run(policy), 0, REACHED) == 2
    assert step_without_board(run(policy), 2, REACHED) is None
    assert step_without_board(run((SCREEN, LAST)), 0, REACHED) == 1
    assert step_without_board(run((SCREEN,)), 0, REACHED) is None
    alert = given(replace(TRIGGERED, escalation=policy))
    (event,) = alert.when(GoOnWithoutBoard(reached=REACHED)).events
    assert event.escalation_step == 2  # type: ignore[union-attr]
    assert [call.recipient for call in event.calls] == ["zhao"]  # type: ignore[union-attr]
    assert alert.and_then(event).when(GoOnWithoutBoard(reached=REACHED)).events == ()


def test_one_of_several_who_has_acknowledged_is_no_reason_to_wait_with_the_others() -> None:
    policy = (step("duty", li=(), wang=()), LEAD)
    assert step_without_board(run(policy), 0, {"wang"}) is None
    assert step_without_board(run(policy, "wang"), 0, {"wang", "zhao"}) == 1
    assert step_without_board(run((*policy, LAST), "zhao"), 0, {"zhao", "pd"}) == 2


def test_an_alert_that_people_are_called_for_or_that_is_answered_stays_as_it_is() -> None:
    everybody = frozenset(each.user for step in TRIGGERED.escalation for each in step.recipients)
    given(TRIGGERED).when(GoOnWithoutBoard(reached=everybody)).then_nothing()
    policy = (SCREEN, LEAD)
    given(replace(TRIGGERED, escalation=policy), ACKNOWLEDGED).when(GoOnWithoutBoard()).then_nothing()


def test_only_the_platform_says_that_no_board_is_live() -> None:
    given(TRIGGERED).when(GoOnWithoutBoard(), DUTY).then_not_permitted("SYSTEM_ONLY")


CHANNELS = st.lists(st.sampled_from(["stream", "board", "sms", "wecom"]), max_size=2).map(tuple)
STEPS = st.lists(st.dictionaries(st.sampled_from("abcdef"), CHANNELS, min_size=1, max_size=3), max_size=5)


@settings(max_examples=200, deadline=None)
@any_of(STEPS, st.frozensets(st.sampled_from("abcdef")))
def test_nobody_is_lost_and_the_first_call_reaches_somebody_if_anybody_can_be(
    found: list[dict[str, tuple[str, ...]]], reached: frozenset[str]
) -> None:
    policy = tuple(step(f"s{number}", **people) for number, people in enumerate(found))
    called = called_without_board(policy, reached)
    assert {each.user for each in _all(policy)} == {each.user for each in _all(called)}
    if any(reaches_people(each, reached) for each in policy):
        assert reaches_people(called[0], reached)
    assert called[-1:] == policy[-1:] or len(called) == 1


def _all(policy: tuple[EscalationStep, ...]) -> list[Recipient]:
    return [recipient for each in policy for recipient in each.recipients]
