"""The five ways in which a referral that has a bed ends, each from the moment before to the moment after."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, CITY, COUNTY, Hospital, accept_request, new_id
from tierlink.bed.v1 import bed_service_pb2 as bed_pb
from tierlink.referral.v1 import referral_service_pb2 as pb

BED_TYPE = "BED_TYPE_ICU"
_WHY = {"code": "TEST"}


@dataclass(frozen=True, kw_only=True)
class Ends:
    """`bring` brings a referral to a bed of COUNTY; the rest ends it. All of it through gRPC."""

    hospital: Hospital
    #: of the bed service
    beds: Any
    referral_dsn: str
    #: waits until the referral knows of its bed
    knows_its_bed: Callable[[str], Awaitable[Any]]
    #: waits until the bed service has heard of all that happened to it
    is_heard: Callable[[str], Awaitable[Any]]

    async def bring(self, end: str) -> str:
        """A referral that has a bed and may end so."""
        is_accepted = end in {"cancelled", "diverted", "died"}
        wish = {"bed_type": BED_TYPE} if is_accepted else {}
        name = str((await self.hospital.create(patient=f"P-{end}", **wish)).name)
        if end == "expired":
            await self._give("DeclineReferral", COUNTY, name, reason=_WHY)
            await self._hold(name)
            return name
        await self.hospital.referrals.AcceptReferral(accept_request(name), metadata=self.hospital.as_(COUNTY))
        if is_accepted:
            await self.knows_its_bed(name)
        if end == "diverted":
            transport = {"crew_level": "CREW_LEVEL_ADVANCED", "vehicle": "120"}
            await self._give("ArrangeTransport", BRANCH, name, transport=transport)
            await self._give("DepartPatient", BRANCH, name, handover_document={"summary": "稳定"})
        if end == "closed":
            await self._give("ReportArrival", COUNTY, name, patient=f"P-{end}")
            summary = {"outcome": "OUTCOME_IMPROVED", "summary": "好转"}
            await self._give("CompleteTreatment", COUNTY, name, discharge_summary=summary)
            await self._hold(name)
        return name

    async def end(self, end: str, name: str) -> None:
        """Raises KeyError for an end that does not exist."""
        ways: dict[str, Callable[[str], Awaitable[Any]]] = {
            "cancelled": self._cancel,
            "expired": self._expire,
            "diverted": self._divert,
            "closed": lambda closed: self._give(
                "CloseReferral", BRANCH, closed, outcome_report_acknowledged=True
            ),
            "died": lambda died: self._give(
                "RecordDeath", BRANCH, died, died_at=datetime.now(UTC), certifier="dr-wucaiwan"
            ),
        }
        await ways[end](name)

    async def _cancel(self, name: str) -> None:
        await self._give("CancelReferral", BRANCH, name, reason=_WHY)
        await self._give("ConfirmCancellation", COUNTY, name)

    async def _divert(self, name: str) -> None:
        request = pb.DivertPatientRequest(
            request_id=new_id(),
            name=name,
            destination_facility=CITY,
            reason=_WHY,  # type: ignore[arg-type]
        )
        coordinator = self.hospital.as_(COUNTY, Role.COORDINATOR)
        await self.hospital.referrals.DivertPatient(request, metadata=coordinator)

    async def _expire(self, name: str) -> None:
        """Its time is over by the clock of the deadline worker, which is the database's."""
        connection = await asyncpg.connect(self.referral_dsn)
        try:
            statement = "UPDATE deadlines SET due_at = now() WHERE stream_id = $1 AND key LIKE 'expire:%'"
            assert await connection.execute(statement, name) == "UPDATE 1"
        finally:
            await connection.close()

    async def _hold(self, name: str) -> None:
        """The bed desk itself holds a bed, after what happened before: that would mean the bed as well."""
        await self.is_heard(name)
        request = bed_pb.HoldBedRequest(
            request_id=new_id(),
            facility=COUNTY,
            referral=name,
            patient="P-held",
            bed_type=BED_TYPE,  # type: ignore[arg-type]
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
        await self.beds.HoldBed(request, metadata=self.hospital.as_(COUNTY, Role.BED_DESK))

    async def _give(self, command: str, facility: str, name: str, **fields: Any) -> None:
        request = getattr(pb, f"{command}Request")(request_id=new_id(), name=name, **fields)
        metadata = self.hospital.as_(facility)
        await getattr(self.hospital.referrals, command)(request, metadata=metadata)
