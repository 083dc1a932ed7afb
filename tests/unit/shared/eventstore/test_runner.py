"""The runner: same request, same reply; stale decisions are decided again; nothing is written on refusal."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import AppendStatus, InboxMark, StoredStream
from services.shared.eventstore.work import Reply, Work
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import (
    FailedRule,
    NotAllowed,
    NotFound,
    RequestIdReused,
    StaleVersion,
)
from services.shared.kernel.text import BilingualText
from tests.doubles.memory_store import MemoryEventStore
from tests.doubles.parcel import PARCEL, Moved, Parcel, context


def move(to: str, *, only_from: str | None = None) -> Callable[[Work], Awaitable[Reply[Parcel]]]:
    async def use_case(work: Work) -> Reply[Parcel]:
        state = await work.load_target(PARCEL, "p/1")
        if only_from is not None and (state is None or state.at != only_from):
            rule = FailedRule(code="ELSEWHERE", text=BilingualText(zh="不在此处", en="it is elsewhere"))
            raise NotAllowed(state="", allowed_commands=(), failed_rules=(rule,))
        await work.record(PARCEL, "p/1", [Moved(to=to)])
        return work.reply(PARCEL, "p/1")

    return use_case


async def run(runner: CommandRunner, to: str, request: str, **rest: object) -> Reply[Parcel]:
    only_from = rest.pop("only_from", None)
    return await runner.run(
        move(to, only_from=only_from),  # type: ignore[arg-type]
        context(request, **rest),  # type: ignore[arg-type]
        kind=PARCEL,
        target="p/1",
        digest=to.encode(),
    )


async def test_the_same_request_gets_the_first_reply_though_the_state_went_on() -> None:
    runner = CommandRunner(MemoryEventStore())
    first = await run(runner, "road", "r1")
    await run(runner, "hill", "r2")

    again = await run(runner, "road", "r1")

    assert again.repeated
    assert (again.version, again.state) == (first.version, first.state)


async def test_a_repeated_request_is_answered_even_where_it_would_be_refused_now() -> None:
    runner = CommandRunner(MemoryEventStore())
    await run(runner, "road", "r1")
    first = await run(runner, "hill", "r2", only_from="road")

    again = await run(runner, "hill", "r2", only_from="road")

    assert again.state == first.state


async def test_a_request_id_with_another_body_is_refused() -> None:
    store = MemoryEventStore()
    runner = CommandRunner(store)
    await run(runner, "road", "r1")

    with pytest.raises(RequestIdReused):
        await run(runner, "hill", "r1")
    with pytest.raises(RequestIdReused):
        await run(runner, "hill", "r1", only_from="nowhere")

    assert store.streams["p/1"].version == 1


class AskedStore(MemoryEventStore):
    """Knows which aggregates it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def load(self, stream_id: str) -> StoredStream | None:
        self.asked.append(stream_id)
        return await super().load(stream_id)


async def open_parcel(runner: CommandRunner, request: str, to: str = "road") -> Reply[Parcel]:
    """As the creation of a resource does it: the request names what it opens."""
    ctx = context(request)
    name = resource_name("parcels", ctx.request_id)

    async def use_case(work: Work) -> Reply[Parcel]:
        if await work.load_target(PARCEL, name) is not None:
            rule = FailedRule(code="THERE", text=BilingualText(zh="已存在", en="it is there"))
            raise NotAllowed(state="", allowed_commands=(), failed_rules=(rule,))
        await work.record(PARCEL, name, [Moved(to=to)])
        return work.reply(PARCEL, name)

    return await runner.run(use_case, ctx, kind=PARCEL, target=name, digest=to.encode())


async def test_what_a_request_names_itself_is_not_asked_for() -> None:
    store = AskedStore()
    reply = await open_parcel(CommandRunner(store), "r1")
    assert (reply.version, store.asked) == (1, [])


async def test_a_request_that_opened_something_elsewhere_gets_its_first_reply() -> None:
    store = MemoryEventStore()
    first = await open_parcel(CommandRunner(store), "r1")

    again = await open_parcel(CommandRunner(store), "r1")
    assert again.repeated
    assert again.state == first.state

    with pytest.raises(RequestIdReused):
        await open_parcel(CommandRunner(store), "r1", to="hill")


async def test_a_stale_version_is_refused_with_the_current_one() -> None:
    runner = CommandRunner(MemoryEventStore())
    await run(runner, "road", "r1")
    await run(runner, "hill", "r2")

    with pytest.raises(StaleVersion) as refusal:
        await run(runner, "end", "r3", expected_version=1)

    assert refusal.value.current == 2


async def test_a_stale_version_comes_before_the_decisions_refusal() -> None:
    runner = CommandRunner(MemoryEventStore())
    await run(runner, "road", "r1")
    await run(runner, "hill", "r2")

    with pytest.raises(StaleVersion):
        await run(runner, "end", "r3", expected_version=1, only_from="road")


async def test_who_may_not_know_of_it_is_not_told_its_version() -> None:
    runner = CommandRunner(MemoryEventStore())
    await run(runner, "road", "r1")

    async def strangers(work: Work) -> Reply[Parcel]:
        await work.load_target(PARCEL, "p/1")
        raise NotFound("Parcel", "p/1")

    asked = context("r2", expected_version=7)
    with pytest.raises(NotFound):
        await runner.run(strangers, asked, kind=PARCEL, target="p/1", digest=b"")


async def test_a_refusal_on_a_cached_state_is_decided_again_on_a_fresh_one() -> None:
    store = MemoryEventStore()
    here, elsewhere = CommandRunner(store), CommandRunner(store)
    await run(here, "road", "r1")
    await run(elsewhere, "hill", "r2")

    reply = await run(here, "end", "r3", only_from="hill")

    assert reply.version == 3


async def test_a_refusal_on_a_cached_state_that_is_in_force_loads_nothing() -> None:
    store = AskedStore()
    runner = CommandRunner(store)
    await run(runner, "road", "r1")
    asked = list(store.asked)

    with pytest.raises(NotAllowed):
        await run(runner, "end", "r2", only_from="hill")

    assert store.asked == asked


async def test_a_refusal_stands_only_while_everything_that_it_was_decided_on_is_in_force() -> None:
    """Two aggregates: the one that is refused because of the other, which another process has moved."""
    store = MemoryEventStore()
    here, elsewhere = CommandRunner(store), CommandRunner(store)

    async def open_gate(work: Work) -> Reply[Parcel]:
        await work.record(PARCEL, "p/gate", [Moved(to="open")])
        return work.reply(PARCEL, "p/gate")

    async def pass_gate(work: Work) -> Reply[Parcel]:
        gate = await work.load(PARCEL, "p/gate")
        await work.record(PARCEL, "p/1", [Moved(to="behind")])
        if gate is None or gate.at != "open":
            rule = FailedRule(code="SHUT", text=BilingualText(zh="未开", en="it is shut"))
            raise NotAllowed(state="", allowed_commands=(), failed_rules=(rule,))
        return work.reply(PARCEL, "p/1")

    async def passes(request: str) -> Reply[Parcel]:
        return await here.run(pass_gate, context(request), kind=PARCEL, target="p/1", digest=b"pass")

    with pytest.raises(NotAllowed):
        await passes("r1")
    await elsewhere.run(open_gate, context("r2"), kind=PARCEL, target="p/gate", digest=b"open")

    assert (await passes("r3")).version == 1


async def test_a_decision_on_a_cached_state_is_made_again_when_the_version_went_on() -> None:
    store = MemoryEventStore()
    here, elsewhere = CommandRunner(store), CommandRunner(store)
    await run(here, "road", "r1")
    await run(elsewhere, "hill", "r2")

    with pytest.raises(NotAllowed):
        await run(here, "end", "r3", only_from="road")

    assert store.streams["p/1"].version == 2
    assert (await run(here, "end", "r4", expected_version=2)).version == 3


async def test_two_acceptances_at_once_one_wins() -> None:
    store = MemoryEventStore()
    runners = [CommandRunner(store), CommandRunner(store)]
    await run(runners[0], "road", "r0")

    results = await asyncio.gather(
        *(run(runner, "end", f"r{n}", only_from="road") for n, runner in enumerate(runners, start=1)),
        return_exceptions=True,
    )

    assert sorted(type(result) for result in results if isinstance(result, Exception)) == [NotAllowed]
    assert store.streams["p/1"].version == 2


async def test_a_reaction_happens_once_for_each_event() -> None:
    store = MemoryEventStore()
    runner = CommandRunner(store)

    async def reaction(work: Work) -> None:
        await work.record(PARCEL, "p/1", [Moved(to="road")])

    mark = InboxMark(source="topic", aggregate_id="x", version=1)
    first = await runner.react(reaction, context("e1"), target="p/1", inbox=mark)
    again = await runner.react(reaction, context("e1"), target="p/1", inbox=mark)

    assert (first, again) == (AppendStatus.APPENDED, AppendStatus.SEEN)
    assert store.streams["p/1"].version == 1


async def test_a_reaction_that_does_nothing_still_marks_the_event() -> None:
    store = MemoryEventStore()

    async def reaction(work: Work) -> None:
        await work.load(PARCEL, "p/1")

    mark = InboxMark(source="topic", aggregate_id="x", version=1)
    status = await CommandRunner(store).react(reaction, context("e1"), target="p/1", inbox=mark)

    assert status is AppendStatus.APPENDED
    assert store.inbox["topic", "x"] == 1


async def test_that_there_is_nothing_to_do_is_never_decided_on_a_cached_state() -> None:
    """Two processes: the one that hears of the deadline, or of the event, last knew an older state."""
    store = MemoryEventStore()
    knows, moves = CommandRunner(store), CommandRunner(store)
    await run(knows, "road", "r1")

    async def stop_on_the_hill(work: Work) -> None:
        state = await work.load(PARCEL, "p/1")
        if state is not None and state.at == "hill":
            await work.record(PARCEL, "p/1", [Moved(to="valley")])

    await run(moves, "hill", "r2")
    await knows.react(stop_on_the_hill, context("d1"), target="p/1", inbox=None)
    assert store.streams["p/1"].version == 3

    await run(moves, "hill", "r3")
    mark = InboxMark(source="topic", aggregate_id="a", version=1)
    await knows.react(stop_on_the_hill, context("d2"), target="p/1", inbox=mark)
    assert store.streams["p/1"].version == 5


async def test_the_reply_of_a_command_that_changes_nothing_is_of_the_present_state() -> None:
    store = MemoryEventStore()
    knows, moves = CommandRunner(store), CommandRunner(store)
    await run(knows, "road", "r1")
    await run(moves, "hill", "r2")

    async def look(work: Work) -> Reply[Parcel]:
        await work.load(PARCEL, "p/1")
        return work.reply(PARCEL, "p/1")

    reply = await knows.run(look, context("r3"), kind=PARCEL, target="p/1", digest=b"look")
    assert (reply.version, reply.state.at) == (2, "hill")
