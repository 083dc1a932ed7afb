"""A referral as one trace, exported by OTLP: from the call that makes it to the screen with the alert."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import Given, variable
from services.operator.platform.platform import Platform, PlatformSettings, running_platform
from services.operator.platform.service_process import ServiceProcess
from services.operator.playing.site_setup import SiteSetup
from services.operator.rpc.calling import Caller
from services.operator.rpc.people import TokenBook
from services.shared.rpc.channels import SERVICES, open_channels
from tests.acceptance.traced_site import (
    ALERTS,
    AVAILABILITY,
    BEDS,
    BOUND_S,
    CALLER,
    COUNTS,
    DOCTOR,
    NURSE,
    PAGE,
    PATIENT,
    PROCESS,
    REFERRALS,
    SERVICE,
    SITE_RULES,
    by,
    create,
    of,
    referrals,
    shown,
    trace_of,
    way,
)
from tests.doubles.collector import Collector, Span, running_collector
from tests.integration.hospital import accept_request

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]


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
        given = Given(kafka_bootstrap=None, dsns=dict.fromkeys(SERVICES))
        settings = PlatformSettings(given=given, with_board=True)
        async with running_platform(settings) as running:
            async with open_channels(running.addresses) as channels:
                await SiteSetup(Caller(channels), TokenBook(running.key)).apply(read_case(DEFAULT_CASE).site)
            yield running


async def test_a_referral_is_one_trace_from_the_call_to_the_alert_on_a_screen(
    platform: Platform, collector: Collector
) -> None:
    trace, began = uuid4().hex, asyncio.Event()
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    watching = asyncio.create_task(shown(platform, began=began, alert=told))
    async with asyncio.timeout(BOUND_S):
        await began.wait()
        referral = await create(platform, trace_of(trace))
        alert = await told
    spans = await collector.until(
        lambda spans: bool(
            any(way(spans, each) for each in of(spans, trace, f"deliver {ALERTS}"))
            and of(spans, trace, PROCESS, "bed")
        )
    )
    watching.cancel()
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

    def counted(spans: list[Span]) -> list[Span]:
        """Lines of availability that the held bed changed."""
        return [span for span in of(spans, trace, f"send {AVAILABILITY}") if way(spans, span)]

    spans = await collector.until(lambda spans: bool(counted(spans)))
    assert way(spans, counted(spans)[0])[5:] == [
        ("bed", "PRODUCER", f"send {BEDS}"),
        ("availability", "CONSUMER", f"process {BEDS}"),
        ("availability", "CONSUMER", f"process {COUNTS}"),
        ("availability", "PRODUCER", f"send {AVAILABILITY}"),
    ]


async def test_what_a_page_asks_the_board_leads_to_the_calls_that_it_takes(
    platform: Platform, collector: Collector, tmp_path: Path
) -> None:
    addresses = platform.addresses.by_service()
    board = ServiceProcess(
        "board",
        folder=tmp_path,
        environment={
            **{variable(name, "ADDRESS"): address for name, address in addresses.items()},
            "TIERLINK_JWKS": str(platform.key_files.jwks),
            "TIERLINK_TRACING_ENDPOINT": collector.endpoint,
            # A trace begins at the board whatever a browser says, so this one records all that begin there.
            "TIERLINK_TRACING_RATIO": "1",
        },
    )
    await asyncio.to_thread(board.start)
    async with httpx.AsyncClient(base_url=f"http://{board.ready.http}", headers=PAGE) as page:
        token = TokenBook(platform.key).token(DOCTOR)
        assert (await page.post("/api/session", json={"token": token})).status_code == 201
        asked = await page.get("/api/beds", headers={"traceparent": f"00-{'a' * 32}-{CALLER}-01"})
        assert asked.status_code == 200
        assert (await page.get("/answer/a-code-that-opens-something")).status_code in (404, 410)
    # What is left is sent when it stops.
    await asyncio.to_thread(board.stop)
    call = "tierlink.bed.v1.BedService/ListBeds"
    spans = await collector.until(
        lambda spans: {"GET /api/beds", call, "GET /answer/{code}"} <= {span.name for span in spans}
    )
    (shown,) = [span for span in spans if span.name == "GET /api/beds"]
    (listed,) = of(spans, shown.trace_id, call)
    assert (shown.service, shown.kind, shown.parent_id) == ("tierlink-board", "SERVER", "")
    assert (listed.service, listed.parent_id) == ("tierlink-bed", shown.span_id)
    assert shown.attributes["http.response.status_code"] == 200
    told = repr([(span.name, span.attributes) for span in spans])
    assert "a-code-that-opens-something" not in told and "a" * 32 not in told


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
