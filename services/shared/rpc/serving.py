"""How a unary call and a stream are served around their handlers."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, TypeVar, cast

import grpc

from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import InvalidInput, Overloaded, Refused
from services.shared.rpc.admission import StreamSlot
from services.shared.rpc.call import Call, CarriedOut
from services.shared.rpc.call_frame import CallFrame, Context, ReaderGoneError, RequestT, ResponseT
from services.shared.rpc.error_table import GrpcFailure

AnswerT = TypeVar("AnswerT")


class UnaryServing(Generic[RequestT, ResponseT]):
    """Serves one unary method."""

    def __init__(
        self,
        frame: CallFrame[RequestT, ResponseT],
        handler: Callable[[RequestT, Call], Awaitable[ResponseT]],
    ) -> None:
        self._frame = frame
        self._handler = handler

    @property
    def method(self) -> str:
        """`package.Service/Method`."""
        return self._frame.method

    @property
    def request_type(self) -> type[RequestT]:
        return self._frame.request_type

    @property
    def response_type(self) -> type[ResponseT]:
        return self._frame.response_type

    async def serve(self, data: bytes, context: Context) -> bytes:
        """One call, from its request's bytes to its response's."""
        frame = self._frame
        authorization, traceparent = _read_metadata(context)

        async def enter() -> Actor:
            admission = frame.runtime.admission
            admission.enter_call()
            _when_task_ends(admission.leave_call)
            return await frame.authenticate(authorization)

        outcome = await self._outcome(
            data, traceparent, enter, finish=frame.pack, remaining_s=context.time_remaining()
        )
        if isinstance(outcome, bytes):
            return outcome
        # Not by `abort`: it raises what grpc's own state of the call keeps, and with it every frame.
        context.set_code(outcome.code)
        context.set_details(outcome.message)
        context.set_trailing_metadata(outcome.trailing_metadata())
        return b""

    async def serve_item(
        self, data: bytes, batch: Call, *, path: str, remaining_s: float, is_brief: bool
    ) -> ResponseT | CarriedOut | GrpcFailure:
        """What a call of its own would be answered with, by the caller of a batch and below its span.

        Where `is_brief`, the reply may be left out. `path` is where the batch has the request. Raises the
        running task's cancellation.
        """

        async def enter() -> Actor:
            return batch.actor

        return await self._outcome(
            data,
            batch.traceparent,
            enter,
            finish=self._frame.checked_brief if is_brief else self._frame.checked,
            remaining_s=remaining_s,
            path=path,
            is_brief=is_brief,
        )

    def refuse_item(self, refusal: Refused, batch: Call) -> GrpcFailure:
        """The status of an item that is refused before it is begun; counted and logged as a call."""
        trace = self._frame.begin_trace(batch.traceparent)
        started_s = time.perf_counter()
        # In a context of its own: what is logged of the batch must not be said of this item.
        return copy_context().run(self._frame.conclude_failed, trace, started_s, refusal)

    async def _outcome(
        self,
        data: bytes,
        traceparent: str,
        enter: Callable[[], Awaitable[Actor]],
        *,
        finish: Callable[[ResponseT], AnswerT],
        remaining_s: float | None,
        path: str = "",
        is_brief: bool = False,
    ) -> AnswerT | GrpcFailure:
        frame = self._frame
        started_s = time.perf_counter()
        trace = frame.begin_trace(traceparent)
        actor = None
        try:
            # Before the request is read, so that strangers learn nothing.
            actor = await enter()
            request, call = frame.open(trace, actor, data, remaining_s, is_brief=is_brief)
            answer = finish(await self._handler(request, call))
        except (Exception, asyncio.CancelledError) as error:
            told = error.below(path) if path and isinstance(error, InvalidInput) else error
            failure = frame.conclude_failed(trace, started_s, told, is_caller_known=actor is not None)
            _let_frames_go(error)
            return failure
        frame.conclude(trace, started_s)
        return answer


class StreamServing(Generic[RequestT, ResponseT]):
    """Serves one method with a stream of responses."""

    def __init__(
        self,
        frame: CallFrame[RequestT, ResponseT],
        handler: Callable[[RequestT, Call], AsyncGenerator[ResponseT, None]],
    ) -> None:
        self._frame = frame
        self._handler = handler

    async def serve(self, data: bytes, context: Context) -> None:
        """One stream, until its handler ends, its reader leaves or lags, or the server stops."""
        frame = self._frame
        started_s = time.perf_counter()
        authorization, traceparent = _read_metadata(context)
        trace = frame.begin_trace(traceparent)
        frame.metrics.streams.inc()
        actor = None
        try:
            admission = frame.runtime.admission
            slot = admission.open_stream()
            _when_answered(context, partial(admission.close_stream, slot))
            actor = await frame.authenticate(authorization)
            request, call = frame.open(trace, actor, data, context.time_remaining())
            try:
                async with aclosing(self._handler(request, call)) as responses:
                    await self._send(responses, slot, context)
            except asyncio.CancelledError:
                slot.explain_cancellation()
                raise
        except (Exception, asyncio.CancelledError) as error:
            failure = frame.conclude_failed(trace, started_s, error, is_caller_known=actor is not None)
            await context.abort(failure.code, failure.message, failure.trailing_metadata())
        finally:
            frame.metrics.streams.dec()
        frame.conclude(trace, started_s)

    async def _send(
        self, responses: AsyncGenerator[ResponseT, None], slot: StreamSlot, context: Context
    ) -> None:
        """Raises ReaderGoneError; Overloaded when the reader takes too long to make room."""
        try:
            # Now, and not with the first message: if that one's write is given up, grpc would send the
            # headers a second time beside the status, fail, and leave the reader without an end.
            await context.send_initial_metadata(())
        except grpc.aio.BaseError as error:
            raise ReaderGoneError from error
        while True:
            slot.begin_waiting()
            try:
                response = await anext(responses)
            except StopAsyncIteration:
                return
            finally:
                slot.end_waiting()
            try:
                # `write` returns when the reader has made room, so nothing piles up here.
                async with asyncio.timeout(self._frame.runtime.slow_reader_s):
                    await context.write(self._frame.pack(response))
            except TimeoutError:
                raise Overloaded("the reader of this stream is too slow", retry_after_s=5.0) from None
            except grpc.aio.BaseError as error:
                raise ReaderGoneError from error
            self._frame.metrics.messages.inc()


def _read_metadata(context: Context) -> tuple[str, str]:
    """`authorization` and `traceparent`, empty where they are absent."""
    authorization = traceparent = ""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            authorization = str(value)
        elif key == "traceparent":
            traceparent = str(value)
    return authorization, traceparent


def _when_task_ends(action: Callable[[], None]) -> None:
    """grpc serves a unary call in a task of its own, which ends when the answer has left."""
    # Not by the context's own callbacks: they refer to the context that keeps them, a cycle for the collector
    # with every call, and its pauses are what the slowest calls wait for.
    task = asyncio.current_task()
    assert task is not None, "a call is served by a task"
    task.add_done_callback(lambda _task: action())


def _let_frames_go(error: BaseException) -> None:
    """What was refused is explained: frames that still hold their exception would wait for the collector."""
    seen: BaseException | None = error
    while seen is not None and seen.__traceback__ is not None:
        seen.__traceback__ = None
        seen = seen.__cause__ or seen.__context__


def _when_answered(context: Context, action: Callable[[], None]) -> None:
    # The stubs take a class of their own here, where grpc calls any callable with the context.
    context.add_done_callback(cast(Any, lambda _context: action()))
