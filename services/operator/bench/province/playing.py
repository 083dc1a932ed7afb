"""Plays a schedule: every course at its moment, each of its steps when it is due, whatever answers take."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import grpc

from services.operator.bench.province.course import BRANCH, COUNTY, DESK, Awaited, Course, Step
from services.operator.bench.province.courses import COURSES
from services.operator.bench.province.network import branch, county_hospital, key
from services.operator.bench.province.news import News
from services.operator.bench.province.schedule import Arrival
from services.operator.bench.province.tally import Sent, Tally
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Role

#: What a call may take, and what another service may, before it has failed.
_CALL_TIMEOUT_S = 30.0
_NEWS_TIMEOUT_S = 30.0
_ROLES = {BRANCH: Role.CLINICIAN, COUNTY: Role.CLINICIAN, DESK: Role.BED_DESK}


class Hospitals:
    """Connections of their own of all who call, with their tokens."""

    def __init__(self, addresses: Mapping[str, str], tokens: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._tokens = tokens
        self._channels: dict[tuple[str, str], grpc.aio.Channel] = {}

    def channel(self, who: str, service: str) -> grpc.aio.Channel:
        """The connection of this person's facility to a service."""
        place = (who.partition("/")[0], service)
        if place not in self._channels:
            options = [("grpc.use_local_subchannel_pool", 1)]
            address = self._addresses[service]
            self._channels[place] = grpc.aio.insecure_channel(address, options=options)
        return self._channels[place]

    async def call(self, sent: Sent) -> bytes:
        """The reply. Raises grpc.aio.AioRpcError."""
        channel = self.channel(sent.who, rpc_methods()[sent.method].service)
        invoke: Any = channel.unary_unary(sent.path)
        metadata = (("authorization", f"Bearer {self._tokens[sent.who]}"),)
        reply: bytes = await invoke(sent.data, metadata=metadata, timeout=_CALL_TIMEOUT_S)
        return reply

    async def close(self) -> None:
        """Closes every connection."""
        for channel in self._channels.values():
            await channel.close()


class Player:
    """One round."""

    def __init__(
        self,
        hospitals: Hospitals,
        news: News,
        *,
        gap_s: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`gap_s` lies between the moments at which two steps of a course are due, on average."""
        self._hospitals = hospitals
        self._news = news
        self._gap_s = gap_s
        self._clock = clock
        self.tally = Tally()

    async def play(self, schedule: Sequence[Arrival]) -> Tally:
        """Returns when all courses have ended."""
        begun_s = self._clock()
        async with asyncio.TaskGroup() as group:
            for arrival in schedule:
                group.create_task(self._course(arrival, begun_s))
        return self.tally

    async def play_again(self, calls: Sequence[Sent]) -> Tally:
        """The same calls, each at the moment at which it was due, to whoever answers now."""
        begun_s = self._clock()
        async with asyncio.TaskGroup() as group:
            for sent in calls:
                group.create_task(self._again(sent, begun_s + sent.due_s))
        return self.tally

    async def _again(self, sent: Sent, due_s: float) -> None:
        await asyncio.sleep(max(0.0, due_s - self._clock()))
        await self._send(sent, due_s)

    async def _course(self, arrival: Arrival, begun_s: float) -> None:
        random = Random(arrival.seed)
        course = Course(
            branch=branch(arrival.county, arrival.branch),
            county=county_hospital(arrival.county),
            random=random,
        )
        due_s = begun_s + arrival.at_s
        due_of: dict[str, float] = {}
        for step in COURSES[arrival.course]:
            await asyncio.sleep(max(0.0, due_s - self._clock()))
            if step.awaits is not None and not await self._heard(step.awaits, course, due_of):
                return
            sent = _request(step, course, due_s - begun_s)
            data = await self._send(sent, due_s)
            if data is None:
                return
            reply = rpc_methods()[step.method].response_type.FromString(data)
            self.tally.replied(sent, data, reply)
            course.learn(reply)
            due_of[step.method] = due_s
            # From the moment at which this one was due, not from its answer: who waits for it becomes late.
            due_s += self._gap_s * random.uniform(0.5, 1.5)

    async def _heard(self, awaited: Awaited, course: Course, due_of: Mapping[str, float]) -> bool:
        """Whether it came; then the course knows of it."""
        about = course.names[awaited.about]
        what = awaited.alert or awaited.bed
        try:
            seen = await self._news.wait(what, about, _NEWS_TIMEOUT_S)
        except TimeoutError:
            self.tally.failed(f"{what} was not heard of within {_NEWS_TIMEOUT_S:g} s")
            return False
        self.tally.seen("alert" if awaited.alert else "bed", due_s=due_of[awaited.since], at_s=seen.at_s)
        if awaited.alert:
            course.names["alert"] = seen.value
        else:
            course.names["ward"], course.names["bed"] = seen.value
        return True

    async def _send(self, sent: Sent, due_s: float) -> bytes | None:
        """The reply; None when it was refused, or nobody answered."""
        try:
            data = await self._hospitals.call(sent)
        except grpc.aio.AioRpcError as error:
            self.tally.failed(f"{sent.method}: {error.code().name} {error.details()}")
            return None
        self.tally.answered(sent, due_s=due_s, at_s=self._clock())
        return data


def _request(step: Step, course: Course, due_s: float) -> Sent:
    rpc = rpc_methods()[step.method]
    given = {"request_id": course.new_id()} if rpc.is_command else {}
    message = build_message(rpc.request, {**given, **step.fields(course)})
    facility = course.branch if step.who == BRANCH else course.county
    return Sent(
        due_s=due_s,
        method=step.method,
        path=rpc.path,
        who=key(facility, _ROLES[step.who]),
        data=message.SerializeToString(),
    )
