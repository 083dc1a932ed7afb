"""Carries out batches: each item as the call that it stands for, what is about the same thing in order."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from services.shared.kernel.refusals import DependencyDown, FieldViolation, InvalidInput, OutOfTime, Refused
from services.shared.rpc.admission import Admission
from services.shared.rpc.batch_items import BatchShape, Outcome
from services.shared.rpc.call import Call
from services.shared.rpc.error_table import GrpcFailure, failure_of
from services.shared.rpc.validation import unknown_fields_of

#: Items under way at once in a process, of all its batches: enough to fill the appends that may be under way,
#: and few enough that a call beside them does not wait long for its turn.
ITEMS_AT_ONCE = 192

#: What a batch whose caller sets no deadline may take.
_PATIENCE_S = 60.0

#: Kept of the time that the caller still waits, for what is under way to end and for the answer's way.
_RESERVE_SHARE = 0.1
_RESERVE_S_MIN = 0.02
_RESERVE_S_MAX = 1.0

#: Not the end of it: whoever is sent again with the same request id gets the outcome.
_UNSETTLED = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)

#: Names of what a command is about.
About = Callable[[Any], Iterable[str]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Matter:
    """What belongs together in a batch, by all its names, and which item was the last about it."""

    names: frozenset[str]
    last: int


class BatchServing:
    """Carries out the batches of one process."""

    def __init__(self, shape: BatchShape, about: About, admission: Admission) -> None:
        """Of two commands `about` the same thing, the later one waits for the earlier one's outcome.

        What one of them names together is the same thing for those that come after it: who cancels a referral
        names the referral alone, and its patient's next one must find it over.
        """
        self._shape = shape
        self._about = about
        self._admission = admission
        self._places = asyncio.Semaphore(ITEMS_AT_ONCE)

    async def handle(self, request: Any, call: Call) -> Any:
        """The response to a batch."""
        batch = _Batch(self._shape, call, self._admission, self._places, is_brief=request.brief)
        matters: dict[str, _Matter] = {}
        for index, item in enumerate(request.items):
            field = item.WhichOneof("command")
            unknown = unknown_fields_of(item, f"items[{index}].")
            if field is None or unknown:
                batch.add_faulty(field, unknown)
                continue
            command = getattr(item, field)
            names = frozenset(self._about(command))
            earlier = {matters[name] for name in names if name in matters}
            batch.add(field, command, {matter.last for matter in earlier})
            matter = _Matter(names=names.union(*(each.names for each in earlier)), last=index)
            matters.update(dict.fromkeys(matter.names, matter))
        return self._shape.response(await batch.outcomes(), is_brief=request.brief)


class _Batch:
    """One batch under way."""

    def __init__(
        self,
        shape: BatchShape,
        call: Call,
        admission: Admission,
        places: asyncio.Semaphore,
        *,
        is_brief: bool,
    ) -> None:
        self._shape = shape
        self._call = call
        self._admission = admission
        self._places = places
        self._is_brief = is_brief
        self._clock = asyncio.get_running_loop().time
        remaining_s = call.deadline_remaining_s
        waits_s = _PATIENCE_S if remaining_s is None else min(remaining_s, _PATIENCE_S)
        reserve_s = min(max(waits_s * _RESERVE_SHARE, _RESERVE_S_MIN), _RESERVE_S_MAX)
        self._reserve_s = reserve_s
        self._answer_at_s = self._clock() + waits_s - reserve_s
        self._items: list[tuple[str, asyncio.Task[Outcome] | GrpcFailure]] = []
        self._begun: set[int] = set()

    def add_faulty(self, field: str | None, unknown: Sequence[FieldViolation]) -> None:
        """An item without a command, or with something that this version does not know."""
        path = f"items[{len(self._items)}].command"
        missing = FieldViolation(field=path, reason="REQUIRED", description="an item has one command")
        refusal = InvalidInput(*(unknown or (missing,)))
        if field is None:
            self._items.append(("", failure_of(refusal)))
        else:
            # What stands beside a command might say that it is not to be done, or not so.
            self._items.append((field, self._shape.servings[field].refuse_item(refusal, self._call)))

    def add(self, field: str, command: Message, forerunners: set[int]) -> None:
        """Begins an item as soon as those before it that are about the same thing have an outcome."""
        index = len(self._items)
        before = {each: self._items[each][1] for each in sorted(forerunners)}
        task = asyncio.create_task(self._carry_out(index, field, command, before), name="batch item")
        self._items.append((field, task))

    async def _carry_out(self, index: int, field: str, command: Message, before: dict[int, Any]) -> Outcome:
        serving = self._shape.servings[field]
        if before:
            await asyncio.wait(before.values())
            for forerunner, task in before.items():
                if _is_unsettled(task):
                    why = f"items[{forerunner}], which is about the same, has no outcome yet; send both again"
                    return serving.refuse_item(DependencyDown("batch", why), self._call)
        async with self._places:
            refusal = self._refusal_to_begin()
            if refusal is not None:
                return serving.refuse_item(refusal, self._call)
            self._begun.add(index)
            # As bytes, as the call would have it: what this version does not know of it must not be lost.
            return await serving.serve_item(
                command.SerializeToString(),
                self._call,
                path=f"items[{index}].{field}",
                remaining_s=self._answer_at_s - self._clock(),
                is_brief=self._is_brief,
            )

    def _refusal_to_begin(self) -> Refused | None:
        if self._clock() > self._answer_at_s - self._reserve_s:
            return _not_begun()
        if self._admission.stopping:
            return DependencyDown("server", "the server is stopping; ask again, another one answers")
        return None

    async def outcomes(self) -> list[tuple[str, Outcome]]:
        """Of each item, its command and what became of it. Returns before the caller's deadline."""
        tasks = [task for _, task in self._items if isinstance(task, asyncio.Task)]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=self._answer_at_s - self._clock())
        finally:
            late = [task for task in tasks if not task.done()]
            for task in late:
                task.cancel()
        if late:
            # What does not end even then ends later, by itself.
            await asyncio.wait(late, timeout=self._reserve_s / 2)
        return [
            (field, item if isinstance(item, GrpcFailure) else self._outcome(index, field, item))
            for index, (field, item) in enumerate(self._items)
        ]

    def _outcome(self, index: int, field: str, task: "asyncio.Task[Outcome]") -> Outcome:
        if task.done() and not task.cancelled():
            return task.result()
        if index in self._begun:
            # Counted as cancelled, and so is a call whose caller no longer waits.
            return failure_of(OutOfTime("OUTCOME_UNKNOWN", "begun, with no outcome before the deadline"))
        return self._shape.servings[field].refuse_item(_not_begun(), self._call)


def _not_begun() -> OutOfTime:
    return OutOfTime("NOT_BEGUN", "not begun before the deadline")


def _is_unsettled(task: "asyncio.Task[Outcome]") -> bool:
    if task.cancelled():
        return True
    outcome = task.result()
    return isinstance(outcome, GrpcFailure) and outcome.code in _UNSETTLED
