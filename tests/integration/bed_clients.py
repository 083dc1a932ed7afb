"""Clients of several processes of the bed service: they do what a county's wards do in a year, at random,
at once.

Each is a sequence drawn from a seed. A call whose outcome is not known is made again with the same request
id, to whichever process answers, until it is.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from services.shared.kernel.actor import Role
from tests.integration.bed_call_checker import Called
from tests.integration.hospital import COUNTY, Hospital
from tierlink.bed.v1 import bed_pb2, bed_service_pb2_grpc
from tierlink.bed.v1 import bed_service_pb2 as pb

TYPE = "BED_TYPE_STROKE_UNIT"
REASON = {"code": "TEST"}
_SETTLED_S = 60.0
#: the outcome is open: the process was killed, or had not come to it
_OPEN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
}


@dataclass
class Ledger:
    """What all clients saw."""

    calls: list[Called] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)


class BedClient:
    """One client with a seed of its own."""

    def __init__(
        self, seed: str, hospitals: Sequence[Hospital], wards: Sequence[str], ledger: Ledger
    ) -> None:
        self.random = random.Random(seed)
        self._hospitals = hospitals
        self._wards = wards
        self._ledger = ledger
        self._desk = hospitals[0].as_(COUNTY, Role.BED_DESK)
        self._holds: list[bed_pb2.Hold] = []
        self._encounters: list[str] = []
        self._waiting: list[str] = []

    def id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    async def run(self, until_s: float) -> None:
        steps: list[tuple[Callable[[], Any], int]] = [
            (self.hold, 8),
            (self.follow_hold, 6),
            (self.free_some_bed, 10),
            (self.arrive, 4),
            (self.walk_in, 2),
            (self.transfer, 5),
            (self.block, 2),
            (self.join, 2),
            (self.leave, 2),
            (self.admit, 2),
            (self.discharge, 2),
        ]
        chosen, weights = zip(*steps, strict=True)
        while time.monotonic() < until_s:
            (step,) = self.random.choices(chosen, weights)
            await step()

    # Steps

    async def hold(self) -> None:
        lease_s = self.random.choice([0.3, 1.0, 3.0, 60.0])
        referral = f"referrals/{self.id()}"
        reply = await self._call(
            "HoldBed",
            referral=referral,
            facility=COUNTY,
            patient=f"p-{referral[-6:]}",
            bed_type=TYPE,
            expires_at=datetime.now(UTC) + timedelta(seconds=lease_s),
        )
        if reply is not None:
            self._holds.append(reply.hold)

    async def follow_hold(self) -> None:
        if not self._holds:
            return
        hold = self.random.choice(self._holds[-4:])
        token = hold.fencing_token - self.random.choice([0, 0, 0, 1])
        if token < 1:
            return
        match self.random.randrange(3):
            case 0:
                await self._call("ReleaseHold", hold=hold.name, fencing_token=token, reason=REASON)
            case 1:
                await self._call("OccupyBed", ward=hold.ward, hold=hold.name, fencing_token=token)
            case _:
                later = datetime.now(UTC) + timedelta(seconds=self.random.choice([0.5, 5.0]))
                await self._call("ExtendHold", hold=hold.name, fencing_token=token, expires_at=later)

    async def free_some_bed(self) -> None:
        """As a nurse does who looks at the ward: whatever the bed waits for."""
        ward = await self._ward()
        names = {"OCCUPIED": "VacateBed", "CLEANING": "MarkBedReady", "BLOCKED": "UnblockBed"}
        known = [(bed, bed_pb2.BedState.Name(bed.state).removeprefix("BED_STATE_")) for bed in ward.beds]
        found = [(bed.id, names[state]) for bed, state in known if state in names]
        if found:
            bed, name = self.random.choice(found)
            await self._call(name, ward=ward.id, bed=bed)

    async def arrive(self) -> None:
        """Somebody whom a bed is held for, whoever asked for it, comes or does not."""
        ward = await self._ward()
        holds = [bed.hold for bed in ward.beds if bed.state == bed_pb2.BED_STATE_HELD]
        if not holds:
            return
        hold = self.random.choice(holds)
        token = hold.fencing_token
        if self.random.random() < 0.7:
            await self._call("OccupyBed", ward=ward.id, hold=hold.name, fencing_token=token)
        else:
            await self._call("ReleaseHold", hold=hold.name, fencing_token=token, reason=REASON)

    async def walk_in(self) -> None:
        ward = await self._ward()
        bed = self.random.choice(ward.beds).id
        await self._call("OccupyBed", ward=ward.id, bed=bed, patient=f"w-{self.id()[:8]}")

    async def transfer(self) -> None:
        source = await self._ward()
        target = await self._ward()
        occupied = [bed.id for bed in source.beds if bed.state == bed_pb2.BED_STATE_OCCUPIED]
        from_bed = self.random.choice(occupied or [bed.id for bed in source.beds])
        free = [bed.id for bed in target.beds if bed.state == bed_pb2.BED_STATE_FREE]
        to_bed = self.random.choice(free or [bed.id for bed in target.beds])
        await self._call("TransferBed", ward=source.id, from_bed=from_bed, to_ward=target.id, to_bed=to_bed)

    async def block(self) -> None:
        ward = await self._ward()
        bed = self.random.choice(ward.beds).id
        until = datetime.now(UTC) + timedelta(seconds=self.random.choice([0.5, 2.0]))
        ends = self.random.choice([True, False])
        await self._call(
            "BlockBed", ward=ward.id, bed=bed, reason=REASON, blocked_until=until, unblock_at_end=ends
        )

    async def join(self) -> None:
        referral = f"referrals/{self.id()}"
        urgency = self.random.choice(["URGENCY_EMERGENCY", "URGENCY_URGENT", "URGENCY_ROUTINE"])
        reply = await self._call(
            "JoinWaitingList",
            facility=COUNTY,
            referral=referral,
            patient=f"q-{referral[-6:]}",
            bed_type=TYPE,
            urgency=urgency,
        )
        if reply is not None:
            self._waiting.append(referral)

    async def leave(self) -> None:
        if self._waiting:
            referral = self._waiting.pop(self.random.randrange(len(self._waiting)))
            await self._call("LeaveWaitingList", facility=COUNTY, referral=referral, reason=REASON)

    async def admit(self) -> None:
        encounter = f"e-{self.id()[:13]}"
        reply = await self._call("AdmitPatient", patient=f"a-{encounter}", encounter=encounter, bed_type=TYPE)
        if reply is not None:
            self._encounters.append(encounter)

    async def discharge(self) -> None:
        if self._encounters:
            encounter = self._encounters.pop(self.random.randrange(len(self._encounters)))
            await self._call("DischargePatient", encounter=encounter)

    # Calls

    async def _ward(self) -> bed_pb2.Ward:
        wanted = self.random.choice(self._wards)
        while True:
            stub = self._stub()
            try:
                page = await stub.ListBeds(
                    pb.ListBedsRequest(facility=COUNTY), metadata=self._desk, timeout=5
                )
            except grpc.aio.AioRpcError as error:
                if error.code() not in _OPEN:
                    raise
                await asyncio.sleep(0.05)
                continue
            return next(ward for ward in page.wards if ward.id == wanted)

    def _stub(self) -> Any:
        return bed_service_pb2_grpc.BedServiceStub(self.random.choice(self._hospitals).channel)

    async def _call(self, name: str, **fields: Any) -> Any:
        """The reply; None when it was refused. Tried until one or the other is known."""
        request = getattr(pb, f"{name}Request")(request_id=self.id(), **fields)
        begin, tries = datetime.now(UTC), 0
        give_up_s = time.monotonic() + _SETTLED_S
        while True:
            tries += 1
            reply, outcome = None, "OK"
            try:
                reply = await getattr(self._stub(), name)(request, metadata=self._desk, timeout=5)
            except grpc.aio.AioRpcError as error:
                if error.code() in _OPEN and time.monotonic() < give_up_s:
                    await asyncio.sleep(0.05)
                    continue
                if error.code() in _OPEN:
                    self._ledger.unsettled.append(f"{name} {request.request_id}: {error.details()}")
                    return None
                outcome = error.code().name
            self._ledger.calls.append(
                Called(
                    name=name,
                    request_id=request.request_id,
                    begin=begin,
                    end=datetime.now(UTC),
                    outcome=outcome,
                    referral=getattr(request, "referral", ""),
                    tries=tries,
                )
            )
            return reply
