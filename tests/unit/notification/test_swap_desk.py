"""A swap that nobody answers: void when its turn begins, and what was told of it is settled."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import msgspec

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.notification.application.agree_swaps import SwapDesk
from services.notification.domain import roster as rosters
from services.notification.domain.alert_state import Alert, alert_name
from services.notification.domain.roster import Roster
from services.notification.domain.swap_alerts import answer_key, swap_key, withdrawn_key
from services.notification.domain.swap_values import (
    ConfirmSwap,
    DeclineSwap,
    SwapCommand,
    SwapState,
    WithdrawSwap,
)
from services.notification.domain.values import AlertState, Severity
from services.notification.entrypoints.deadlines import AlertDeadlines
from services.shared.deadlines.worker import DueDeadline
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.kernel.actor import Actor
from services.shared.kernel.ids import derive_id
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.scenario import HOSPITAL, SYSTEM, context
from tests.unit.notification.swap_book import OFFICE, SUNDAY, TURNS, Book, asks, doctor
from tests.unit.notification.turns import REASON

KINDS = build_aggregates()
NAME = rosters.roster_name(HOSPITAL)


class Site:
    """A roster of turns on a store in memory, and the worker that meets its deadlines."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.runner = CommandRunner(self.store)
        known = cast(Any, type("Known", (), {"current": lambda self: DIRECTORY})())
        self.desk = SwapDesk(KINDS, known, cast(Any, None))
        self.worker = AlertDeadlines(self.runner, KINDS, cast(Any, None), cast(Any, None), self.desk)

    async def begin(self) -> None:
        async def applied(work: Work) -> None:
            await work.load(KINDS.roster, NAME)
            event = rosters.RosterApplied(facility=HOSPITAL, rotations=Book(TURNS).roster.rotations)
            await work.record(KINDS.roster, NAME, (event,))

        await self.runner.react(applied, context(SYSTEM, at=SUNDAY), target=NAME, inbox=None)

    async def does(self, by: Actor, command: SwapCommand) -> Roster:
        told = context(by, at=SUNDAY, request=derive_id(type(command).__name__, by.user))
        reply = await self.runner.run(
            self.desk.carry_out(command, NAME), told, kind=KINDS.roster, target=NAME, digest=b"d"
        )
        return reply.state

    async def roster(self) -> Roster:
        return cast(Roster, (await self.runner.read(KINDS.roster, NAME)).state)

    async def alert(self) -> Alert:
        found = await self.told(swap_key)
        assert found is not None
        return found

    async def told(self, key: Callable[[str], str]) -> Alert | None:
        name = alert_name(key((await self.roster()).proposals[-1].name), None)
        return cast("Alert | None", (await self.runner.read(KINDS.alert, name)).state)

    async def answer(self) -> Alert:
        found = await self.told(answer_key)
        assert found is not None
        return found

    async def asked(self, by: Actor | None = None) -> str:
        """A swap that a asks b for, or somebody asks for a."""
        return (await self.does(by or doctor("a"), asks())).proposals[-1].name

    async def meet(self) -> None:
        (due,) = rosters.deadlines(await self.roster())
        await self.worker.fire(
            DueDeadline(stream_id=NAME, kind="roster", key=due.key, due_at=due.due_at, set_version=2)
        )


async def test_it_is_void_when_the_turn_begins_and_the_alert_with_it() -> None:
    site = Site()
    await site.begin()
    await site.does(doctor("a"), asks())
    assert (await site.alert()).state is AlertState.TRIGGERED
    await site.meet()
    assert (await site.roster()).proposals[-1].state is SwapState.LAPSED
    settled = await site.alert()
    assert (settled.state, settled.resolution) == (AlertState.RESOLVED, "SwapLapsed")


async def test_a_roster_that_was_stored_before_there_were_swaps_is_folded_anew() -> None:
    """Its snapshot is not what its events come to, byte for byte: it is read no more."""
    site = Site()
    await site.begin()
    store = site.store
    before = await site.roster()
    older = msgspec.msgpack.encode(replace(before, rotations=()))
    store.streams[NAME] = replace(store.streams[NAME], fold_version=1, snapshot=older)
    assert (await CommandRunner(store).read(KINDS.roster, NAME)).state == before


async def test_one_that_is_agreed_has_nothing_due() -> None:
    site = Site()
    await site.begin()
    proposed = await site.does(doctor("a"), asks())
    await site.does(doctor("b"), ConfirmSwap(swap=proposed.proposals[-1].name))
    assert rosters.deadlines(await site.roster()) == ()
    assert (await site.alert()).resolution == "SwapConfirmed"


def called(alert: Alert) -> list[str]:
    return [person.user for step in alert.escalation for person in step.recipients]


async def test_who_asked_is_told_that_it_is_declined() -> None:
    site = Site()
    await site.begin()
    swap = await site.asked()
    assert await site.told(answer_key) is None
    await site.does(doctor("b"), DeclineSwap(swap=swap, reason=REASON))
    told = await site.answer()
    assert (told.rule, told.severity, told.state) == (
        "SWAP_ANSWERED",
        Severity.INFORMATION,
        AlertState.TRIGGERED,
    )
    assert called(told) == ["a"]
    assert told.title.zh.startswith("换班被谢绝") and "was declined" in told.title.en
    assert "a → b" in told.body.zh and "a → b" in told.body.en
    assert told.next_call_at is None, "it is told once"


async def test_who_asked_is_told_that_it_is_agreed_until_it_is_taken_back() -> None:
    site = Site()
    await site.begin()
    swap = await site.asked()
    await site.does(doctor("b"), ConfirmSwap(swap=swap))
    told = await site.answer()
    assert called(told) == ["a"]
    assert told.title.zh.startswith("换班已商定")
    await site.does(OFFICE, WithdrawSwap(swap=swap, reason=REASON))
    assert (await site.answer()).resolution == "SwapWithdrawn"


async def test_both_are_told_once_that_what_they_agreed_on_is_withdrawn() -> None:
    site = Site()
    await site.begin()
    swap = await site.asked()
    await site.does(doctor("b"), ConfirmSwap(swap=swap))
    assert await site.told(withdrawn_key) is None
    await site.does(OFFICE, WithdrawSwap(swap=swap, reason=REASON))
    told = await site.told(withdrawn_key)
    assert told is not None
    assert (told.rule, told.severity, called(told)) == ("SWAP_WITHDRAWN", Severity.INFORMATION, ["a", "b"])
    assert told.title.zh.startswith("已商定的换班被撤回") and "was withdrawn" in told.title.en
    assert "a → b" in told.body.zh and "a → b" in told.body.en
    assert told.next_call_at is None, "they are told once"


async def test_of_one_that_nobody_had_answered_only_the_question_is_taken_back() -> None:
    site = Site()
    await site.begin()
    swap = await site.asked()
    await site.does(doctor("a"), WithdrawSwap(swap=swap, reason=REASON))
    assert await site.told(withdrawn_key) is None
    assert (await site.alert()).resolution == "SwapWithdrawn"


async def test_who_asked_is_told_that_nobody_answered() -> None:
    site = Site()
    await site.begin()
    await site.asked()
    await site.meet()
    assert called(await site.answer()) == ["a"]
    assert (await site.answer()).title.zh.startswith("换班逾期未确认")


async def test_who_asked_for_another_is_told_as_the_other_is_but_nobody_of_their_own_answer() -> None:
    site = Site()
    await site.begin()
    swap = await site.asked(by=OFFICE)
    await site.does(doctor("b"), DeclineSwap(swap=swap, reason=REASON))
    assert called(await site.answer()) == ["office", "a"]
    other = Site()
    await other.begin()
    swap = await other.asked(by=OFFICE)
    await other.does(OFFICE, ConfirmSwap(swap=swap))
    assert called(await other.answer()) == ["a"]


async def test_one_that_is_taken_back_before_an_answer_tells_of_none() -> None:
    site = Site()
    await site.begin()
    swap = await site.asked()
    await site.does(doctor("a"), WithdrawSwap(swap=swap, reason=REASON))
    assert await site.told(answer_key) is None
