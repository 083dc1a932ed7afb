"""An operator who has read models made anew: what the tests of it share."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Role
from tests.integration.hospital import COUNTY, Hospital, accept_request, new_id
from tierlink.projection.v1 import projection_service_pb2 as pb
from tierlink.projection.v1 import projection_service_pb2_grpc
from tierlink.referral.v1 import referral_service_pb2


@dataclass(kw_only=True)
class Desk:
    """An operator's side of a running service."""

    hospital: Hospital
    process: ServiceProcess
    dsn: str

    @property
    def stub(self) -> Any:
        return projection_service_pb2_grpc.ProjectionServiceStub(self.hospital.channel)  # type: ignore[no-untyped-call]

    def call(self, name: str, **fields: Any) -> Any:
        request = getattr(pb, f"{name}Request")(**fields)
        return getattr(self.stub, name)(request, metadata=self.hospital.as_("", Role.OPERATOR))

    def decide(self, name: str, projection: str = "listing", **fields: Any) -> Any:
        return self.call(name, request_id=new_id(), projection=projection, reason="新筛选", **fields)

    async def built(self, projection: str = "listing") -> Any:
        """The last word of a whole run."""
        return [each async for each in self.call("RunRebuild", projection=projection)][-1]

    async def compared(self, projection: str = "listing") -> tuple[list[tuple[Any, ...]], Any]:
        """Rows that differ, and the last word."""
        pages = [each async for each in self.call("CompareProjection", projection=projection)]
        found = [
            (pb.RowDifference.Kind.Name(each.kind).removeprefix("KIND_"), each.key, *each.columns)
            for page in pages
            for each in page.differences
        ]
        return found, pages[-1]

    async def shown(self, projection: str = "listing") -> Any:
        return {each.name: each for each in (await self.call("ListProjections")).projections}[projection]

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def live(self, count: int) -> list[str]:
        """So many referrals, every second of them accepted."""
        names = []
        for number in range(count):
            referral = await self.hospital.create(patient=f"P-{new_id()[:8]}")
            names.append(referral.name)
            if number % 2:
                await self.hospital.referrals.AcceptReferral(
                    accept_request(referral.name), metadata=self.hospital.as_(COUNTY)
                )
        return names

    async def listed(self) -> set[str]:
        """What the county hospital's list has."""
        page = await self.hospital.referrals.ListReferrals(
            referral_service_pb2.ListReferralsRequest(page_size=1000), metadata=self.hospital.as_(COUNTY)
        )
        return {each.name for each in page.referrals}
