"""Wards by the thousand, and how fast what is free in them is told."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Any

import grpc

from services.operator.bench.jobs.rush import draw_id
from tierlink.bed.v1 import bed_service_pb2, bed_service_pb2_grpc
from tierlink.type.v1 import type_pb2

_CALL_TIMEOUT_S = 30.0
#: Of a hospital of a hundred beds: the kind of each ward, and its beds.
WARDS = (("GENERAL", 30), ("GENERAL", 30), ("MATERNITY", 15), ("REHABILITATION", 15), ("ICU", 10))
BEDS = sum(beds for _, beds in WARDS)
#: Of ten beds in a facility that is at work, so many are occupied.
_OCCUPIED_OF_TEN = 7


async def fill_wards(
    *, address: str, token: str, facilities: list[str], desks: dict[str, str], seed: str, callers: int
) -> dict[str, Any]:
    """Gives every facility its wards, and patients to those that have a desk: `desks` are their tokens."""
    random = Random(seed)
    begun_s = time.perf_counter()
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = bed_service_pb2_grpc.BedServiceStub(channel)

        async def apply(facility: str) -> None:
            request = _wards_of(facility, random)
            await stub.ApplyWards(request, metadata=_metadata(token), timeout=_CALL_TIMEOUT_S)

        async def occupy(facility: str) -> None:
            metadata = _metadata(desks[facility])
            for number, (_, beds) in enumerate(WARDS):
                for bed in range(1, beds * _OCCUPIED_OF_TEN // 10 + 1):
                    ward = _ward(facility, number)
                    request = bed_service_pb2.OccupyBedRequest(
                        request_id=draw_id(random), ward=ward, bed=f"{ward}-{bed}", patient=f"p-{ward}-{bed}"
                    )
                    await stub.OccupyBed(request, metadata=metadata, timeout=_CALL_TIMEOUT_S)

        await _by_some(apply, facilities, callers)
        await _by_some(occupy, desks, callers)
    return {"seconds": time.perf_counter() - begun_s}


async def watch_picture(*, address: str, token: str, times: int) -> dict[str, Any]:
    """How long the whole picture of WatchAvailability takes, from the call to its last message, each time."""
    seconds: list[float] = []
    messages = beds = 0
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = bed_service_pb2_grpc.BedServiceStub(channel)
        for _ in range(times):
            messages = beds = 0
            begun_s = time.perf_counter()
            stream = stub.WatchAvailability(
                bed_service_pb2.WatchAvailabilityRequest(), metadata=_metadata(token)
            )
            async for message in stream:
                if message.resume_token:
                    break
                messages += 1
                beds += message.availability.counts.beds
            seconds.append(time.perf_counter() - begun_s)
            stream.cancel()
    return {"seconds": seconds, "messages": messages, "beds": beds}


async def _by_some(act: Callable[[str], Awaitable[None]], names: Iterable[str], callers: int) -> None:
    """Acts for each name, so many at a time."""
    left = iter(names)

    async def one_caller() -> None:
        for name in left:
            await act(name)

    await asyncio.gather(*(one_caller() for _ in range(callers)))


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def _ward(facility: str, number: int) -> str:
    return f"{facility}-w{number}"


def _wards_of(facility: str, random: Random) -> Any:
    return bed_service_pb2.ApplyWardsRequest(
        request_id=draw_id(random),
        facility=facility,
        wards=[
            bed_service_pb2.WardSpecification(
                id=_ward(facility, number),
                bed_type=type_pb2.BedType.Value(f"BED_TYPE_{kind}"),
                beds=[
                    bed_service_pb2.BedSpecification(id=f"{_ward(facility, number)}-{bed}")
                    for bed in range(1, beds + 1)
                ],
            )
            for number, (kind, beds) in enumerate(WARDS)
        ],
    )
