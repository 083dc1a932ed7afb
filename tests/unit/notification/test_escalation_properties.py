"""Escalation under a fake clock: random policies, answers, triggers, ends, late workers and restarts.

Never two steps at once, never silence before the last step, always an end.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notification.domain import alert
from services.notification.domain import commands as ask
from services.notification.domain import events as happened
from services.notification.domain.preview import plan
from services.notification.domain.values import (
    AcknowledgementPolicy,
    AlertState,
    CodedReason,
    EscalationStep,
    Recipient,
)
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotAllowed, NotFound
from tests.unit.notification.clockwork import Clockwork, person
from tests.unit.notification.scenario import HOSPITAL, NOW, TRIGGER

USERS = ("li", "wang", "zhao", "ma", "duty-officer")
ROLES = ("STROKE", "bed_desk")
BOUNDED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_CALLING = (happened.AlertTriggered, happened.AlertRetriggered, happened.AlertEscalated)

people = st.builds(
    lambda user, roles: Recipient(user=user, name=user, channels=("sms",), roles=tuple(roles)),
    st.sampled_from(USERS),
    st.lists(st.sampled_from(ROLES), min_size=1, max_size=2, unique=True),
)
steps = st.builds(
    lambda recipients, repeat_s, rounds: EscalationStep(
        duty="duty", facility=HOSPITAL, recipients=tuple(recipients), repeat_s=repeat_s, rounds=rounds
    ),
    st.lists(people, min_size=1, max_size=3, unique_by=lambda person: person.user),
    st.sampled_from([30, 60, 120]),
    st.integers(1, 3),
)
fallback = EscalationStep(
    duty="fallback",
    facility="",
    recipients=(Recipient(user="platform", name="platform", roles=ROLES),),
    repeat_s=60,
    rounds=2,
)
policies = st.lists(steps, min_size=1, max_size=3).map(lambda listed: (*listed, fallback))
acknowledgements = st.sampled_from(
    [
        None,
        AcknowledgementPolicy(count=1),
        AcknowledgementPolicy(count=2),
        AcknowledgementPolicy(count=3),
        AcknowledgementPolicy(count=0, roles=("STROKE",)),
        AcknowledgementPolicy(count=0, roles=ROLES),
    ]
)


def possible(
    policy: tuple[EscalationStep, ...], wanted: AcknowledgementPolicy | None
) -> tuple[EscalationStep, ...]:
    """Without the steps in which nobody answers for a role: the service makes none of them."""
    roles = set(wanted.roles if wanted else ())
    return tuple(
        step
        for step in policy
        if not roles or any(roles & set(recipient.roles) for recipient in step.recipients)
    )


def started(policy: tuple[EscalationStep, ...], wanted: AcknowledgementPolicy | None) -> Clockwork:
    clockwork = Clockwork()
    clockwork.do(replace(TRIGGER, escalation=policy, acknowledgement_policy=wanted))
    return clockwork


def longest(policy: Sequence[EscalationStep]) -> timedelta:
    return timedelta(seconds=sum(step.repeat_s * step.rounds for step in policy))


@BOUNDED
@given(policies, acknowledgements)
def test_unanswered_it_calls_step_by_step_without_silence_and_ends(
    policy: tuple[EscalationStep, ...], wanted: AcknowledgementPolicy | None
) -> None:
    policy = possible(policy, wanted)
    clockwork = started(policy, wanted)
    clockwork.pass_time(NOW + longest(policy) + timedelta(seconds=1), timedelta(0))
    assert clockwork.alert.escalation_exhausted
    *calls, (ended_at, nobody) = clockwork.rounds
    assert nobody == ()
    positions = [(made[0].step, made[0].round) for _, made in calls]
    assert positions == sorted(set(positions)), "each round once, in order"
    assert positions[-1] == (len(policy) - 1, policy[-1].rounds), "up to the last round of the last step"
    moments = [at for at, _ in calls] + [ended_at]
    for (at, made), following in zip(calls, moments[1:], strict=True):
        assert following - at == timedelta(seconds=policy[made[0].step].repeat_s)
    assert [(at, made[0].step, made[0].round, [call.recipient for call in made]) for at, made in calls] == [
        (each.called_at, each.step, each.round, [person.user for person in each.recipients])
        for each in plan(replace(TRIGGER, escalation=policy, acknowledgement_policy=wanted), NOW)
    ], "as it was foretold"


@BOUNDED
@given(policies, acknowledgements, st.floats(0, 0.49), st.booleans())
def test_restarts_and_a_late_worker_leave_the_plan_as_it_was(
    policy: tuple[EscalationStep, ...], wanted: AcknowledgementPolicy | None, late: float, restarts: bool
) -> None:
    """Late by less than half an interval: the same people at the same planned moments, with the same ids."""
    policy = possible(policy, wanted)
    lateness = timedelta(seconds=late * min(step.repeat_s for step in policy))
    end = NOW + longest(policy) + timedelta(minutes=5)
    punctual, tardy = started(policy, wanted), started(policy, wanted)
    punctual.pass_time(end, timedelta(0))
    tardy.pass_time(end, lateness, restarts=restarts)
    assert [[call.id for call in made] for _, made in tardy.rounds] == [
        [call.id for call in made] for _, made in punctual.rounds
    ]
    assert [at for at, _ in tardy.rounds[1:]] == [at + lateness for at, _ in punctual.rounds[1:]]


@BOUNDED
@given(policies, st.integers(60, 4000))
def test_after_an_outage_nobody_is_called_twice_in_a_moment_and_nobody_is_left_out(
    policy: tuple[EscalationStep, ...], outage_s: int
) -> None:
    clockwork = started(policy, None)
    clockwork.pass_time(NOW + timedelta(seconds=outage_s), timedelta(seconds=outage_s))
    clockwork.pass_time(NOW + longest(policy) + timedelta(seconds=2 * outage_s + 300), timedelta(0))
    made = [(at, calls) for at, calls in clockwork.rounds if calls]
    for (before, calls), (after, _) in pairwise(made):
        assert (after - before).total_seconds() * 2 >= policy[calls[0].step].repeat_s
    assert {call.recipient for _, calls in made for call in calls} == {
        person.user for step in policy for person in step.recipients
    }
    assert clockwork.alert.escalation_exhausted


actions = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(
            ["acknowledge"] * 3
            + ["trigger", "resolve", "settle", "restart"]
            + ["board lost"] * 2
            + ["unreached", "unreached before"] * 2
        ),
        st.sampled_from((*USERS, "platform")),
        policies,
    ),
    max_size=8,
)


@BOUNDED
@given(policies, acknowledgements, actions, st.integers(0, 10))
def test_answers_triggers_and_ends_at_random_moments(
    policy: tuple[EscalationStep, ...],
    wanted: AcknowledgementPolicy | None,
    chosen: list[tuple[int, str, str, tuple[EscalationStep, ...]]],
    late_s: int,
) -> None:
    clockwork = started(possible(policy, wanted), wanted)
    late = timedelta(seconds=late_s)
    for number, (wait_s, action, user, anew) in enumerate(chosen):
        clockwork.pass_time(clockwork.now + timedelta(seconds=wait_s), late)
        before, made = clockwork.alert, len(clockwork.rounds)
        match action:
            case "acknowledge":
                _acknowledge(clockwork, user)
            case "restart":
                clockwork.restart()
            case "trigger" if before.state is not AlertState.RESOLVED:
                clockwork.do(
                    replace(
                        TRIGGER,
                        escalation=possible(anew, wanted),
                        acknowledgement_policy=wanted,
                        cause_event_id=f"e-{number}-x",
                    )
                )
                assert clockwork.alert.escalation_run == before.escalation_run + 1
                assert clockwork.alert.acknowledgements == ()
            case "board lost":
                _goes_on(clockwork, ask.GoOnWithoutBoard(reached=frozenset({user})))
            case "unreached" | "unreached before":
                _goes_on(
                    clockwork,
                    ask.GoOnUnreached(
                        run=before.escalation_run,
                        step=before.escalation_step,
                        round=before.escalation_round - (action != "unreached"),
                    ),
                )
            case "settle":
                clockwork.do(ask.SettleAlert(resolution="PatientDied", cause_event_id="the end"))
            case "resolve" if before.state is not AlertState.RESOLVED:
                coordinator = Actor(user="co", name="co", facility="", roles=(Role.COORDINATOR,))
                clockwork.do(ask.ResolveAlert(reason=CodedReason(code="HANDLED")), coordinator)
            case _:
                assert len(clockwork.rounds) == made
    _ends(clockwork)


def _goes_on(clockwork: Clockwork, command: ask.GoOnWithoutBoard | ask.GoOnUnreached) -> None:
    """A round that nobody heard: a later step is called at once, or all stays as it is; nobody is skipped for
    good who was to be called last."""
    before = clockwork.alert
    events = clockwork.do(command)
    after = clockwork.alert
    if not events:
        assert after == before
        return
    assert before.state is after.state is AlertState.TRIGGERED
    assert after.escalation_step > before.escalation_step
    assert after.escalation_round == 1
    assert not after.escalation_exhausted
    if isinstance(command, ask.GoOnUnreached):
        assert command.round == before.escalation_round, "it was told of a round that is over"
    else:
        answered = {given.actor.user for given in before.acknowledgements}
        waiting = {
            recipient.user
            for recipient in before.escalation[before.escalation_step].recipients
            if recipient.user not in answered
            and (not before.missing_roles or set(recipient.roles) & set(before.missing_roles))
        }
        assert not waiting & command.reached, "one who is reached is waited for"


def _acknowledge(clockwork: Clockwork, user: str) -> None:
    """Whoever was called may, once in a run, and it stops with the last that is missing."""
    before = clockwork.alert
    try:
        (event,) = clockwork.do(ask.AcknowledgeAlert(), person(user))
    except NotFound:
        assert not any(delivery.recipient == user for delivery in before.deliveries)
        return
    except NotAllowed as refusal:
        has = any(given.actor.user == user for given in before.acknowledgements)
        is_over = before.state is not AlertState.TRIGGERED
        assert has or is_over or before.missing_roles, refusal
        return
    after = clockwork.alert
    missing = bool(after.missing_roles or after.missing_count)
    assert missing == isinstance(event, happened.AcknowledgementGiven)
    assert (after.state is AlertState.TRIGGERED) == missing
    assert len(after.acknowledgements) == len(before.acknowledgements) + 1


def _ends(clockwork: Clockwork) -> None:
    """From wherever it is, it comes to an end, and calls only those who are missing."""
    state, made = clockwork.alert, len(clockwork.rounds)
    clockwork.pass_time(clockwork.now + longest(state.escalation) + timedelta(minutes=10), timedelta(0))
    later = clockwork.rounds[made:]
    assert alert.deadlines(clockwork.alert) == ()
    if state.state is not AlertState.TRIGGERED:
        assert later == []
        return
    assert clockwork.alert.escalation_exhausted
    answered = {given.actor.user for given in state.acknowledgements}
    called = {call.recipient for _, calls in later for call in calls}
    assert not called & answered
    position = (state.escalation_step, state.escalation_round)
    assert all((call.step, call.round) > position for _, calls in later for call in calls)
    if state.missing_roles:
        roles = {role for _, calls in later for call in calls for role in call.roles}
        assert not later[:-1] or roles & set(state.missing_roles)
    if not state.escalation_exhausted:
        waited_for = {
            recipient.user
            for step in state.escalation[state.escalation_step + 1 :]
            for recipient in step.recipients
            if recipient.user not in answered
            and (not state.missing_roles or set(recipient.roles) & set(state.missing_roles))
        }
        assert waited_for <= called, "each later step is called before it ends"
