"""What is done on a platform that records traces, and what is looked for among their spans."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.operator.platform.platform import Platform
from services.operator.rpc.people import TokenBook
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.channels import open_channels
from tests.doubles.collector import Span
from tests.integration.hospital import create_request
from tierlink.notification.v1 import alert_service_pb2, alert_service_pb2_grpc
from tierlink.referral.v1 import referral_service_pb2_grpc

BOUND_S = 60.0
DOCTOR = Actor(user="jg-reader-7", name="卒中医生乙", facility="jimsar-general", roles=(Role.CLINICIAN,))
NURSE = Actor(user="wcw-writer-7", name="门诊医生甲", facility="wucaiwan", roles=(Role.CLINICIAN,))
REFERRALS, ALERTS = "tierlink.referral.events.v1", "tierlink.notification.events.v1"
BEDS, COUNTS, AVAILABILITY = (f"tierlink.bed.{each}.v1" for each in ("events", "counts", "availability"))
#: what the board's own pages send
PAGE = {"x-tierlink-page": "1"}
SERVICE = "tierlink.referral.v1.ReferralService"
PROCESS = f"process {REFERRALS}"
#: the span of whoever calls
CALLER = "00f067aa0ba902b7"
#: who is called again at once, so that an escalation is not waited for
SITE_RULES = """
policies:
  HASTY: {steps: [duty], repeat_s: 2, rounds: 3, must_be_staffed: true}
policy_for:
  - {policy: HASTY, rules: [OFFER], pathways: [STROKE], facilities: [jimsar-general]}
"""
PATIENT = "a-patient-that-no-span-may-name"


def trace_of(trace: str) -> tuple[str, str]:
    """Call metadata that asks for a trace to be recorded."""
    return ("traceparent", f"00-{trace}-{CALLER}-01")


@asynccontextmanager
async def referrals(platform: Platform) -> AsyncIterator[Any]:
    async with open_channels(platform.addresses) as channels:
        yield referral_service_pb2_grpc.ReferralServiceStub(channels.of("referral"))


def by(platform: Platform, actor: Actor, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {TokenBook(platform.key).token(actor)}"), *more)


async def create(platform: Platform, *more: tuple[str, str]) -> str:
    """An emergency with a stroke; its name."""
    request = create_request(patient=PATIENT, bed_type="BED_TYPE_STROKE_UNIT")
    async with referrals(platform) as stub:
        return str((await stub.CreateReferral(request, metadata=by(platform, NURSE, *more))).referral.name)


async def shown(platform: Platform, *, began: asyncio.Event, alert: "asyncio.Future[str]") -> None:
    """Watches until it is cancelled; the first alert that it was sent. A message is written when the next is
    asked for, so who leaves with the first may not have been seen to take it.
    """
    async with open_channels(platform.addresses) as channels:
        token = TokenBook(platform.key).token(DOCTOR)
        stub: Any = alert_service_pb2_grpc.AlertServiceStub(channels.of("notification"))
        stream = stub.WatchAlerts(
            alert_service_pb2.WatchAlertsRequest(), metadata=(("authorization", f"Bearer {token}"),)
        )
        while True:
            message = await stream.read()
            if message.resume_token:
                began.set()
            if message.event_type and not alert.done():
                alert.set_result(str(message.alert.name))


def way(spans: list[Span], last: Span) -> list[tuple[str, str, str]]:
    """From the caller's span to `last`: service, kind and name of each; empty while one is missing."""
    by_id = {span.span_id: span for span in spans}
    found: list[tuple[str, str, str]] = []
    here = last
    while True:
        found.append((here.service.removeprefix("tierlink-"), here.kind, here.name))
        if here.parent_id == CALLER:
            return found[::-1]
        above = by_id.get(here.parent_id)
        if above is None:
            return []
        assert above.started_ns <= here.started_ns <= here.ended_ns
        here = above


def of(spans: list[Span], trace: str, name: str, service: str = "") -> list[Span]:
    return [s for s in spans if (s.trace_id, s.name) == (trace, name) and s.service.endswith(service)]
