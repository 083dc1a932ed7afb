"""Random histories against the running service: after each step it says what the pure core says.

The rules are those of `tests/unit/referral/machine`, in a smaller run: a service with PostgreSQL and Kafka is
asked by gRPC, hears of beds by Kafka and meets deadlines by its worker, a chart beside it decides the same,
and both are compared by what GetReferral and GetTimeline show.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from re import sub
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.referral.domain import commands as c
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import Community, Facility
from services.referral.domain.referral import deadlines
from services.referral.domain.values import BedType, FacilityLevel
from services.referral.entrypoints.bed_news import BED_TOPIC
from services.referral.entrypoints.grpc.resources import referral_resource
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import derive_id, resource_name
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused
from services.shared.kernel.text import BilingualText
from services.shared.protocodec import MessageCodec
from tests.integration.hospital import BRANCH, CITY, COUNTY, LEVELS, Hospital, new_id, referral_service
from tests.integration.messaging import until
from tests.integration.referral_site import Site
from tests.integration.ward_news import WardBeside
from tests.stack import SharedStack
from tests.unit.referral.machine.forward import OVERRIDES, next_command
from tests.unit.referral.machine.invariants import check_referral
from tests.unit.referral.machine.witness import Witness
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.network import SYSTEM, applied
from tests.unit.referral.referral.stories import CREATE
from tierlink.referral.v1 import referral_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = 20
CODES: tuple[tuple[type[Refused], grpc.StatusCode], ...] = (
    (NotAllowed, grpc.StatusCode.FAILED_PRECONDITION),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (NotPermitted, grpc.StatusCode.PERMISSION_DENIED),
    (InvalidInput, grpc.StatusCode.INVALID_ARGUMENT),
)
OPERATOR = ("", (Role.OPERATOR,))
#: What the service and the chart must agree on: everything but moments, which each reads from its own clock.
COMPARED = (
    *("name", "version", "episode", "patient", "state", "allowed_commands", "direction", "scope"),
    *("origin_facility", "destination_facility", "custodian_facility", "next_destinations", "hop_count"),
    *("bed_region", "insurance_filing_number", "referred_back_to", "reopened_as", "approval_in_retrospect"),
)


def _directory() -> ApplyDirectory:
    """As `Hospital.apply_directory` gives it to the service."""
    return ApplyDirectory(
        communities=(
            Community(
                id="jimsar-mc",
                name=BilingualText(zh="医共体", en="community"),
                county="652327",
                lead=COUNTY,
            ),
        ),
        facilities=tuple(
            Facility(
                id=facility,
                name=BilingualText(zh=facility, en=facility),
                level=FacilityLevel(level),
                community="" if facility == CITY else "jimsar-mc",
                region="652327",
                capabilities=("STROKE", "CHEST_PAIN") if facility in (COUNTY, CITY) else (),
                travel_minutes={} if facility == COUNTY else {COUNTY: 60},
            )
            for facility, level in LEVELS.items()
        ),
    )


@dataclass
class Beside(Chart):
    """A chart whose commands have the request ids that the service is given."""

    request: str = ""

    def context(self, actor: Actor, occurred_at: datetime | None = None) -> CommandContext:
        return replace(super().context(actor, occurred_at), request_id=self.request)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=BED_TOPIC)])
    dsn = await stack.create_database(f"histories_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("histories")
    async with referral_service(
        folder, dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay,consumer,deadlines"
    ) as (found, _):
        yield Site(found, dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


@pytest.mark.parametrize("seed", range(12))
async def test_the_service_says_what_the_pure_core_says(site: Site, stack: SharedStack, seed: int) -> None:
    chance, witness, hospital = Random(seed), Witness(), site.hospital
    chart = await _created(hospital, chance, witness)
    ward = WardBeside(name=f"random-{new_id()[:8]}", kafka=stack.kafka_bootstrap)
    taken = 0
    for _ in range(STEPS):
        kind = chance.random()
        if kind < 0.2:
            taken += await _deadline_met(site, chart, chance, witness)
            continue
        if kind < 0.4:
            taken += await _bed_followed(site, chart, ward, chance, witness)
            continue
        chosen = next_command(chart.referral, chance.getrandbits(16))
        if chosen is None:
            break
        command, actor = chosen
        if chance.random() < 0.3 or not actor.facility:  # without one nobody gets a token
            actor = replace(actor, facility=chance.choice(tuple(LEVELS)))
        taken += await _given(hospital, chart, command, actor, witness)
    assert taken > 1
    verified = await hospital.referrals.VerifyTimeline(
        pb.VerifyTimelineRequest(name=chart.name), metadata=_token(hospital, *OPERATOR)
    )
    assert verified.intact
    assert verified.events_count == len(chart.events)


async def _deadline_met(site: Site, chart: Beside, chance: Random, witness: Witness) -> int:
    """One of the open deadlines is due now; the service's worker and the chart meet it.

    The rows that the worker looks at are those that the state says, whatever happened before.
    """
    statement = "SELECT key, set_version FROM deadlines WHERE stream_id = $1"
    rows = {_timeless(row["key"]): row for row in await site.fetch(statement, chart.name)}
    keys = {_timeless(deadline.key): deadline.key for deadline in deadlines(chart.referral)}
    assert rows.keys() == keys.keys()
    if not rows:
        return 0
    chosen = chance.choice(sorted(rows))
    key, set_version = rows[chosen]["key"], rows[chosen]["set_version"]
    chart.request = derive_id("deadline", chart.name, key, str(set_version))
    await site.execute(
        "UPDATE deadlines SET due_at = now() WHERE stream_id = $1 AND key = $2", chart.name, key
    )
    return await _followed(site.hospital, chart, c.MeetDeadline(key=keys[chosen]), witness)


def _timeless(key: str) -> str:
    """A deadline's key without its moment, which the service and the chart read from clocks of their own."""
    return sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "*", key)


async def _bed_followed(site: Site, chart: Beside, ward: WardBeside, chance: Random, witness: Witness) -> int:
    """The bed service says something of this referral's bed, in time or out of it."""
    command = await ward.say(chart.referral, chance)
    return await _followed(site.hospital, chart, command, witness)


async def _followed(hospital: Hospital, chart: Beside, command: c.Command, witness: Witness) -> int:
    """What the chart makes of a command of the system, once the service has made the same of it."""
    chart.now = datetime.now(UTC)
    found = chart.when(command, SYSTEM)
    for event in found:
        witness.hears(event)

    async def as_far() -> bool:
        request = pb.GetReferralRequest(name=chart.name)
        answer = await hospital.referrals.GetReferral(request, metadata=_token(hospital, *OPERATOR))
        return bool(answer.referral.version >= chart.referral.version)

    await until(as_far)
    await _compare(hospital, chart)
    check_referral(chart, witness, chart.policy)
    return len(found)


async def _created(hospital: Hospital, chance: Random, witness: Witness) -> Beside:
    request = new_id()
    chart = Beside(name=resource_name("referrals", request), directory=applied(_directory()), request=request)
    destinations = tuple(chance.sample((COUNTY, CITY), k=chance.randint(1, 2)))
    command = replace(
        CREATE,
        destinations=destinations,
        overrides=OVERRIDES,
        patient=f"P-{request[:8]}",
        bed_type=chance.choice((None, BedType.STROKE_UNIT)),
    )
    assert await _given(hospital, chart, command, _person(BRANCH, Role.CLINICIAN), witness)
    return chart


async def _given(
    hospital: Hospital, chart: Beside, command: c.Command, actor: Actor, witness: Witness
) -> int:
    """Gives the command to both; how many events came of it."""
    actor = _person(actor.facility, *actor.roles)
    if chart.state is not None:
        chart.request = new_id()
    chart.now = datetime.now(UTC)
    expected: grpc.StatusCode | None = None
    found: tuple[Any, ...] = ()
    try:
        found = chart.when(command, actor)
    except Refused as refusal:
        expected = next(code for kind, code in CODES if isinstance(refusal, kind))
    for event in found:
        witness.hears(event)
    try:
        await _call(hospital, chart, command, actor)
    except grpc.aio.AioRpcError as error:
        assert error.code() is expected, f"{type(command).__name__}: {error.details()}"
    else:
        assert expected is None, f"{type(command).__name__} was not refused by the service: {expected}"
    await _compare(hospital, chart)
    check_referral(chart, witness, chart.policy)
    return len(found)


async def _call(hospital: Hospital, chart: Beside, command: c.Command, actor: Actor) -> None:
    name = type(command).__name__
    request_type = getattr(pb, f"{name}Request")
    codec: MessageCodec[Any, Any] = MessageCodec(type(command), request_type)
    request = codec.to_message(command)
    request.request_id = chart.request
    if not isinstance(command, c.CreateReferral):
        request.name = chart.name
    await getattr(hospital.referrals, name)(request, metadata=_token(hospital, actor.facility, actor.roles))


async def _compare(hospital: Hospital, chart: Beside) -> None:
    token = _token(hospital, *OPERATOR)
    answer = await hospital.referrals.GetReferral(pb.GetReferralRequest(name=chart.name), metadata=token)
    got, wanted = answer.referral, referral_resource(chart.referral)
    for name in COMPARED:
        assert getattr(got, name) == getattr(wanted, name), name
    assert [(each.name, each.facility, each.state) for each in got.offers] == [
        (each.name, each.facility, each.state) for each in wanted.offers
    ]
    timeline = await hospital.referrals.GetTimeline(pb.GetTimelineRequest(name=chart.name), metadata=token)
    assert [entry.metadata.type for entry in timeline.entries] == names(chart.events)
    assert [entry.metadata.version for entry in timeline.entries] == [*range(1, len(chart.events) + 1)]


def _person(facility: str, *roles: Role) -> Actor:
    """Who the token of `Hospital.as_` speaks for."""
    return Actor(user=f"dr-{facility}", name=f"Dr {facility}", facility=facility, roles=roles)


def _token(hospital: Hospital, facility: str, roles: tuple[Role, ...]) -> Any:
    return hospital.as_(facility, *roles)
