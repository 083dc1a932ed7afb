"""Who decides on dead letters, what is refused, and what of a decision stays on record."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.shared.dead_letters.dead_letter_service import DeadLetterServicer
from services.shared.dead_letters.decisions import (
    DecisionEvent,
    DiscardOrdered,
    LetterFile,
    RedriveOrdered,
    evolve,
    file_name,
)
from services.shared.dead_letters.letter_codec import dead_letter_kind
from services.shared.eventstore.runner import CommandRunner
from services.shared.inbox.desk import DeadLetter, LetterRecord, LetterSummary
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.refusals import NotAllowed, NotFound, NotPermitted
from services.shared.rpc.call import Call
from tests.doubles.memory_store import MemoryEventStore
from tierlink.inbox.v1 import dead_letter_service_pb2 as pb

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TOPIC, WARD = "tierlink.bed.events.v1", "wards/w-1"
FILE = f"deadletters/{TOPIC}/{WARD}"
LETTER = DeadLetter(
    letter_id=7,
    topic=TOPIC,
    partition=3,
    offset=41,
    aggregate_id=WARD,
    version=2,
    error="ValueError",
    attempts=3,
    failed_at=NOW,
)
RECORD = LetterRecord(
    letter=LETTER, key=b"k", value=b"v", headers=(), is_open=True, is_next=True, parked_count=1
)


class Desk:
    """A desk with one letter, that writes down whatever is asked of it."""

    def __init__(self) -> None:
        self.found: LetterRecord | None = RECORD
        self.open: tuple[int, ...] = (7, 9)
        self.asked: list[tuple[Any, ...]] = []

    async def summary(self) -> LetterSummary:
        self.asked.append(("summary",))
        return LetterSummary(reasons=(), parked=(), letters_count=0, parked_aggregates_count=0)

    async def open_letters(self, *, after_id: int, limit: int) -> tuple[DeadLetter, ...]:
        self.asked.append(("open_letters", after_id, limit))
        return (LETTER,)

    async def record(self, letter_id: int) -> LetterRecord | None:
        self.asked.append(("record", letter_id))
        return self.found

    async def letters_of(self, topic: str, aggregate: str) -> tuple[int, ...]:
        self.asked.append(("letters_of", topic, aggregate))
        return self.open

    async def redrive(self, topic: str, aggregate: str, letters: Sequence[int]) -> int:
        self.asked.append(("redrive", topic, aggregate, tuple(letters)))
        return len(letters)

    async def skip(self, letter_id: int) -> bool:
        self.asked.append(("skip", letter_id))
        return True

    @property
    def done(self) -> list[tuple[Any, ...]]:
        """What changed something."""
        return [each for each in self.asked if each[0] in ("redrive", "skip")]


class Site:
    """The service on a store in memory."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.store = MemoryEventStore()
        self.kind = dead_letter_kind()
        self.runner = CommandRunner(self.store)
        self.servicer = DeadLetterServicer(self.desk, self.runner, self.kind)  # type: ignore[arg-type]

    async def call(self, name: str, by: Role = Role.OPERATOR, **fields: Any) -> Any:
        method = next(each for each in self.servicer.methods() if each.name == name)
        actor = Actor(user=f"u-{by}", name="", facility="", roles=(by,))
        call = Call(actor=actor, received_at=NOW, traceparent="", method=name, deadline_remaining_s=None)
        return await method.handler(getattr(pb, f"{name}Request")(**fields), call)

    async def file(self, name: str = FILE) -> LetterFile | None:
        return (await self.runner.read(self.kind, name)).state


@pytest.fixture
def site() -> Site:
    return Site()


REDRIVE: dict[str, Any] = {"request_id": "r-1", "topic": TOPIC, "aggregate": WARD, "reason": "已修复解码"}
DISCARD: dict[str, Any] = {"request_id": "r-2", "id": 7, "reason": "测试数据"}
REQUESTS: dict[str, dict[str, Any]] = {
    "SummarizeDeadLetters": {},
    "ListDeadLetters": {},
    "GetDeadLetter": {"id": 7},
    "RedriveDeadLetters": REDRIVE,
    "DiscardDeadLetter": DISCARD,
}


def test_no_method_is_left_out_of_the_permissions(site: Site) -> None:
    assert {method.name for method in site.servicer.methods()} == set(REQUESTS)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
@pytest.mark.parametrize("name", REQUESTS)
async def test_nobody_but_operators_sees_or_does_anything(site: Site, name: str, role: Role) -> None:
    """A record that failed is a whole event of a patient's case: to read it is as much as to give it up."""
    with pytest.raises(NotPermitted):
        await site.call(name, role, **REQUESTS[name])
    assert (site.desk.asked, site.store.events) == ([], {})


async def test_a_redrive_is_on_record_with_who_and_why_and_is_of_these_letters_alone(site: Site) -> None:
    assert list((await site.call("RedriveDeadLetters", **REDRIVE)).letters) == [7, 9]
    # A letter that came after the order is not in it, however often the order is sent.
    site.desk.open = (12,)
    assert list((await site.call("RedriveDeadLetters", **REDRIVE)).letters) == [7, 9]
    assert site.desk.done == [("redrive", TOPIC, WARD, (7, 9))] * 2
    file = await site.file()
    assert file is not None
    (decision,) = file.decisions
    assert (decision.verdict, decision.letters, decision.reason) == ("REDRIVEN", (7, 9), "已修复解码")
    assert (decision.by, decision.at) == ("u-operator", NOW)


async def test_what_has_no_letter_is_not_redriven(site: Site) -> None:
    site.desk.open = ()
    with pytest.raises(NotFound):
        await site.call("RedriveDeadLetters", **REDRIVE)
    assert (site.desk.done, await site.file()) == ([], None)


async def test_a_record_that_is_given_up_is_on_record_with_its_place(site: Site) -> None:
    assert (await site.call("DiscardDeadLetter", **DISCARD)).letter.id == 7
    assert site.desk.done == [("skip", 7)]
    event = await site.runner.event_at(site.kind, FILE, 1)
    assert event.event == DiscardOrdered(
        topic=TOPIC, aggregate=WARD, letter=7, partition=3, offset=41, version=2, reason="测试数据"
    )
    file = await site.file()
    assert file is not None
    assert [(each.verdict, each.letters, each.by) for each in file.decisions] == [
        ("DISCARDED", (7,), "u-operator")
    ]


async def test_the_same_order_again_is_carried_out_again_and_decided_once(site: Site) -> None:
    """A crash between the decision and the act: the letter may be closed by then."""
    await site.call("DiscardDeadLetter", **DISCARD)
    site.desk.found = replace(RECORD, is_open=False)
    await site.call("DiscardDeadLetter", **DISCARD)
    assert site.desk.done == [("skip", 7)] * 2
    assert len(site.store.events[FILE]) == 1


async def test_no_event_is_given_up_before_the_one_that_is_missing(site: Site) -> None:
    site.desk.found = replace(RECORD, is_next=False)
    with pytest.raises(NotAllowed) as refused:
        await site.call("DiscardDeadLetter", **DISCARD)
    assert [rule.code for rule in refused.value.failed_rules] == ["EARLIER_EVENT_MISSING"]
    assert (site.desk.done, await site.file()) == ([], None)


@pytest.mark.parametrize("found", [None, replace(RECORD, is_open=False)], ids=["unknown", "closed"])
async def test_what_is_not_open_is_not_given_up(site: Site, found: LetterRecord | None) -> None:
    site.desk.found = found
    with pytest.raises(NotFound):
        await site.call("DiscardDeadLetter", **DISCARD)
    assert (site.desk.done, await site.file()) == ([], None)


def test_a_record_that_could_not_be_read_has_a_file_of_its_own() -> None:
    assert file_name(TOPIC, WARD, partition=3, offset=41) == FILE
    assert file_name(TOPIC, None, partition=3, offset=41) == f"deadletters/{TOPIC}/3-41"


def test_the_latest_decisions_are_kept() -> None:
    state: LetterFile | None = None
    for number in range(1, 31):
        event: DecisionEvent = RedriveOrdered(topic=TOPIC, aggregate=WARD, letters=(number,), reason="x")
        metadata = EventMetadata(
            event_id=f"e-{number}",
            aggregate_id=FILE,
            version=number,
            type="RedriveOrdered",
            occurred_at=NOW,
            recorded_at=NOW,
            actor=Actor(user="op", name="", facility="", roles=(Role.OPERATOR,)),
            request_id="r",
        )
        state = evolve(state, Recorded(event=event, metadata=metadata))
    assert state is not None
    assert state.version == 30
    assert [each.letters for each in state.decisions] == [(number,) for number in range(11, 31)]
