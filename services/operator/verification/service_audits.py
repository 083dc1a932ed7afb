"""Asks every service to verify its own store."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import RETRIED, CallFailed
from services.operator.verification.findings import Finding, Verification
from services.shared.rpc.channels import SERVICES
from tierlink.audit.v1 import audit_service_pb2 as pb

_PATH = "/tierlink.audit.v1.AuditService/VerifyChains"
_RETRY_S = 0.5
#: Findings kept of one service; a store that was tampered with as a whole has millions.
_FINDINGS_MAX = 1000
_CUT_SHORT = pb.Finding(code="INCOMPLETE", description="the stream ended before everything was looked at")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far one service has come."""

    service: str
    aggregates_count: int
    events_count: int
    #: 0 where it is not known how many there are
    events_total: int
    is_complete: bool


async def verify_services(
    caller: Caller,
    token: str,
    *,
    aggregate: str = "",
    chains_only: bool = False,
    processes: int = 0,
    patience_s: float = 60.0,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[Verification, ...]:
    """Every service's verdict on its store, or on one aggregate of it.

    `chains_only` leaves columns and states alone. `processes` of each service do it: 0 is as many as it
    allows, and none beside itself for a small store.

    A service that does not have the aggregate says nothing of it. Raises CallFailed when one refuses, is not
    there within the patience, or when none has the aggregate.
    """
    audits = [
        _Audit(
            caller=caller,
            token=token,
            service=service,
            request=pb.VerifyChainsRequest(
                aggregate_id=aggregate,
                depth=pb.VERIFICATION_DEPTH_CHAINS if chains_only else pb.VERIFICATION_DEPTH_STATES,
                processes=processes,
            ),
            note=on_progress or (lambda progress: None),
        )
        for service in SERVICES
    ]
    results = await asyncio.gather(*(audit.verify(patience_s) for audit in audits))
    found = tuple(result for result in results if isinstance(result, Verification))
    for result in results:
        if isinstance(result, CallFailed) and not found:
            raise result
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Audit:
    """The question to one service."""

    caller: Caller
    token: str
    service: str
    request: pb.VerifyChainsRequest
    note: Callable[[Progress], None]

    async def verify(self, patience_s: float) -> Verification | CallFailed:
        """The verdict, or NOT_FOUND of the aggregate asked for. Raises CallFailed."""
        deadline_s = time.monotonic() + patience_s
        attempts = 0
        while True:
            attempts += 1
            try:
                return await self._verify_once()
            except grpc.aio.AioRpcError as error:
                failed = CallFailed(f"VerifyChains ({self.service})", error, attempts)
                if self.request.aggregate_id and error.code() is grpc.StatusCode.NOT_FOUND:
                    return failed
                if error.code() not in RETRIED or time.monotonic() + _RETRY_S > deadline_s:
                    raise failed from error
            await asyncio.sleep(_RETRY_S)

    async def _verify_once(self) -> Verification:
        last = pb.VerifyChainsResponse()
        findings: list[Finding] = []
        async for data in self.caller.stream(_PATH, self.service, self.request, self.token):
            last = pb.VerifyChainsResponse.FromString(data)
            room = max(0, _FINDINGS_MAX - len(findings))
            findings.extend(_finding(self.service, each) for each in last.findings[:room])
            self.note(_progress(self.service, last))
        if not last.complete:
            findings.append(_finding(self.service, _CUT_SHORT))
        return Verification(
            verified_by=self.service,
            aggregates_count=last.aggregates_count,
            events_count=last.events_count,
            findings=tuple(findings),
        )


def _finding(service: str, message: pb.Finding) -> Finding:
    return Finding(
        found_by=service,
        aggregate=message.aggregate_id,
        version=message.version,
        code=message.code,
        description=message.description,
    )


def _progress(service: str, message: pb.VerifyChainsResponse) -> Progress:
    return Progress(
        service=service,
        aggregates_count=message.aggregates_count,
        events_count=message.events_count,
        events_total=message.events_total,
        is_complete=message.complete,
    )
