"""A referral as one trace, exported by OTLP: from the call that makes it to the screen with the alert."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import Given
from services.operator.platform.platform import Platform, PlatformSettings, running_platform
from services.operator.playing.site_setup import SiteSetup
from services.operator.rpc.calling import Caller
from services.operator.rpc.people import TokenBook
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.channels import SERVICES, open_channels
from tests.doubles.collector import Collector, Span, running_collector
from tests.integration.hospital import accept_request, create_request
from tierlink.notification.v1 import alert_service_pb2, alert_service_pb2_grpc
from tierlink.referral.v1 import referral_service_pb2_grpc

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

BOUND_S = 60.0
DOCTOR = Actor(user="jg-reader-7", name="卒中医生乙", facility="jimsar-general", roles=(Role.CLINICIAN,))
NURSE = Actor(user="wcw-writer-7", name="门诊医生甲", facility="wucaiwan", roles=(Role.CLINICIAN,))
REFERRALS, ALERTS = "tierlink.referral.events.v1", "tierlink.notification.events.v1"
BEDS = "tierlink.bed.events.v1"
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with running_collector() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    rules = tmp_path_factory.mktemp("rules") / "site.yaml"
    rules.write_text(SITE_RULES, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIERLINK_NOTIFICATION_SITE_RULES", str(rules))
        patch.setenv("TIERLINK_TRACING_ENDPOINT", collector.endpoint)
        # Nothing begins a recorded trace by itself: what is recorded here, the caller asked for.
        patch.setenv("TIERLINK_TRACING_RATIO", "0")
        settings = PlatformSettings(given=Given(kafka_bootstrap=None, dsns=dict.fromkeys(SERVICES)))
        async with running_platform(settings) as running:
            async with open_channels(running.addresses) as channels:
                await SiteSetup(Caller(channels), TokenBook(running.key)).apply(read_case(DEFAULT_CASE).site)
            yield running


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


async def shown(platform: Platform, *, began: asyncio.Event) -> str:
    """Returns the name of the alert that a watch stream was sent, once it has asked for what comes next."""
    async with open_channels(platform.addresses) as channels:
        token = TokenBook(platform.key).token(DOCTOR)
        stub: Any = alert_service_pb2_grpc.AlertServiceStub(channels.of("notification"))
        stream = stub.WatchAlerts(
            alert_service_pb2.WatchAlertsRequest(), metadata=(("authorization", f"Bearer {token}"),)
        )
        async with asyncio.timeout(BOUND_S):
            while True:
                message = await stream.read()
                if message.resume_token:
                    began.set()
                if message.event_type:
                    return str(message.alert.name)


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


async def test_a_referral_is_one_trace_from_the_call_to_the_alert_on_a_screen(
    platform: Platform, collector: Collector
) -> None:
    trace, began = uuid4().hex, asyncio.Event()
    watching = asyncio.create_task(shown(platform, began=began))
    await began.wait()
    referral = await create(platform, trace_of(trace))
    alert = await watching
    spans = await collector.until(
        lambda spans: bool(
            any(way(spans, each) for each in of(spans, trace, f"deliver {ALERTS}"))
            and of(spans, trace, PROCESS, "bed")
        )
    )
    (delivered,) = of(spans, trace, f"deliver {ALERTS}")
    call = f"{SERVICE}/CreateReferral"
    assert way(spans, delivered) == [
        ("referral", "SERVER", call),
        ("referral", "INTERNAL", "append referral"),
        ("referral", "PRODUCER", f"send {REFERRALS}"),
        ("notification", "CONSUMER", PROCESS),
        ("notification", "INTERNAL", "append alert"),
        ("notification", "PRODUCER", f"send {ALERTS}"),
        ("notification", "CONSUMER", f"deliver {ALERTS}"),
    ]
    # The bed service hears the same record, below the same sending of it.
    heard = {each.service: each.parent_id for each in of(spans, trace, PROCESS)}
    assert heard["tierlink-bed"] == heard["tierlink-notification"]
    (raised,) = of(spans, trace, "append alert")
    assert raised.attributes["tierlink.events"] == ("AlertTriggered",)
    assert raised.attributes["tierlink.aggregates"] == (alert,)
    (appended,) = of(spans, trace, "append referral")
    assert appended.attributes["tierlink.events"][-1] == "ReferralRequested"
    assert referral in appended.attributes["tierlink.aggregates"]
    (served,) = of(spans, trace, call)
    assert served.attributes["rpc.system.name"] == "grpc"
    assert served.attributes["rpc.response.status_code"] == "OK"
    assert not any(span.is_error for span in spans if span.trace_id == trace)


async def test_a_bed_that_is_held_and_known_of_belongs_to_the_acceptance(
    platform: Platform, collector: Collector
) -> None:
    trace = uuid4().hex
    referral = await create(platform)
    async with referrals(platform) as stub:
        await stub.AcceptReferral(accept_request(referral), metadata=by(platform, DOCTOR, trace_of(trace)))

    def known(spans: list[Span]) -> list[Span]:
        """What the referral wrote when it heard of its bed."""
        return [
            span
            for span in of(spans, trace, "append referral")
            if "BedHeld" in span.attributes["tierlink.events"] and way(spans, span)
        ]

    spans = await collector.until(lambda spans: bool(known(spans)))
    (last,) = known(spans)
    assert way(spans, last) == [
        ("referral", "SERVER", f"{SERVICE}/AcceptReferral"),
        ("referral", "INTERNAL", "append referral"),
        ("referral", "PRODUCER", f"send {REFERRALS}"),
        ("bed", "CONSUMER", PROCESS),
        ("bed", "INTERNAL", "append ward"),
        ("bed", "PRODUCER", f"send {BEDS}"),
        ("referral", "CONSUMER", f"process {BEDS}"),
        ("referral", "INTERNAL", "append referral"),
    ]


async def test_each_escalation_leads_back_to_the_call_that_the_alert_is_about(
    platform: Platform, collector: Collector
) -> None:
    trace = uuid4().hex
    await create(platform, trace_of(trace))

    def units(spans: list[Span], of_trace: str) -> list[Span]:
        return of(spans, of_trace, "append alert")

    def next_call(spans: list[Span], before: Span) -> Span | None:
        """What the deadline wrote that a unit of work had set."""
        due = [s for s in spans if s.name == "deadline alert" and before.span_id in s.links]
        found = (s for each in due for s in units(spans, each.trace_id) if s.parent_id == each.span_id)
        return next(found, None)

    def escalated_twice(spans: list[Span]) -> list[Span]:
        for triggered in units(spans, trace):
            first = next_call(spans, triggered)
            second = first and next_call(spans, first)
            if first and second:
                return [triggered, first, second]
        return []

    spans = await collector.until(lambda spans: bool(escalated_twice(spans)))
    triggered, first, second = escalated_twice(spans)
    assert way(spans, triggered)[0] == ("referral", "SERVER", f"{SERVICE}/CreateReferral")
    # Traces of their own, and recorded though nothing here is by itself.
    assert len({trace, first.trace_id, second.trace_id}) == 3
    assert {each.attributes["tierlink.aggregates"] for each in (triggered, first, second)} == {
        triggered.attributes["tierlink.aggregates"]
    }


def rounds_of(spans: list[Span], trace: str) -> list[Span]:
    """The spans over what left together with messages of a trace."""
    sendings = {span.span_id for span in spans if (span.trace_id, span.kind) == (trace, "PRODUCER")}
    return [span for span in spans if sendings & set(span.links)]


async def test_what_leaves_together_is_linked_and_no_span_names_a_patient_or_who_acts(
    platform: Platform, collector: Collector
) -> None:
    trace = uuid4().hex
    await create(platform, trace_of(trace))
    # The episode's events and the referral's: a unit's messages leave in one round, or in one of each lane.
    spans = await collector.until(lambda spans: bool(rounds_of(spans, trace)))
    for batch in rounds_of(spans, trace):
        assert (batch.name, batch.kind, batch.parent_id) == ("send batch", "CLIENT", "")
        assert batch.trace_id != trace
        assert batch.attributes["messaging.batch.message_count"] >= len(batch.links) >= 1
    told = repr([(span.name, span.attributes) for span in spans])
    for private in (PATIENT, NURSE.user, NURSE.name, DOCTOR.user, DOCTOR.name, "脑梗死"):
        assert private not in told
    # The set-up of the site was nobody's recorded call: with a ratio of 0 it has no span.
    assert not [span for span in spans if span.name.endswith("ApplyDirectory")]
