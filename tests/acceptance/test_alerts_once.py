"""Alerts of a running platform with a site's own policy: foretold, triggered once, called once each.

Through kill -9 of the notification service while it consumes and escalates, and a replay of the whole topics
into it: events, calls and alerts stay what they were.
"""

from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.embedded.stack import DATABASE_PREFIX
from services.operator.bench.life import PEOPLE, commands_of_a_life
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import Given
from services.operator.platform.platform import Platform, PlatformSettings, running_platform
from services.operator.playing.site_setup import SiteSetup
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import TokenBook
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.channels import SERVICES, open_channels
from tests.acceptance.read_again import from_the_beginning, is_all_read, kill_notification, replay, until
from tierlink.notification.v1 import alert_events_pb2, alert_pb2, alert_service_pb2

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

BRANCH, HOSPITAL = "wucaiwan", "jimsar-general"
DOCTOR = Actor(user="jg-stroke", name="卒中值班", facility=HOSPITAL, roles=(Role.CLINICIAN,))
DESK = Actor(user="jg-bed-desk", name="床位管理", facility=HOSPITAL, roles=(Role.BED_DESK,))
STRANGER = Actor(user="x", name="x", facility="horqin-general", roles=(Role.CLINICIAN,))

SITE_RULES = """
policies:
  BOTH: {steps: [duty, backup, fallback], repeat_s: 3, rounds: 2, must_be_staffed: true,
         acknowledgements: {roles: [role, bed_desk]}}
policy_for:
  - {policy: BOTH, rules: [OFFER], pathways: [STROKE], facilities: [jimsar-general]}
"""
#: duty twice, backup twice, fallback twice, and the end
CALLS_OF_ONE = 6
REFERRALS = 12


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    rules = tmp_path_factory.mktemp("rules") / "site.yaml"
    rules.write_text(SITE_RULES, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIERLINK_NOTIFICATION_SITE_RULES", str(rules))
        settings = PlatformSettings(given=Given(kafka_bootstrap=None, dsns=dict.fromkeys(SERVICES)))
        async with running_platform(settings) as running:
            async with open_channels(running.addresses) as channels:
                await SiteSetup(Caller(channels), TokenBook(running.key)).apply(read_case(DEFAULT_CASE).site)
            yield running


async def ask(platform: Platform, method: str, by: Actor, fields: dict[str, Any]) -> Any:
    rpc = rpc_methods()[method]
    async with open_channels(platform.addresses) as channels:
        answer = await Caller(channels).call(
            rpc, build_message(rpc.request, fields), TokenBook(platform.key).token(by)
        )
    return answer.message


async def create_referral(platform: Platform) -> str:
    """An emergency with a stroke, from the branch to the hospital; its name."""
    create = commands_of_a_life()[0]
    rpc = rpc_methods()[create.method]
    patient = b"bench-" + uuid4().hex.encode()
    request = rpc.request_type.FromString(create.fill(str(uuid4()).encode(), b"", patient))
    async with open_channels(platform.addresses) as channels:
        token = TokenBook(platform.key).token(PEOPLE["origin"])
        answer = await Caller(channels).call(rpc, request, token)
    return str(answer.message.referral.name)  # type: ignore[attr-defined]


async def alert_of(platform: Platform, referral: str) -> Any:
    async def found() -> Any:
        fields = {"subject": referral}
        alerts = (await ask(platform, "ListAlerts", DOCTOR, fields)).alerts
        return next((each for each in alerts if each.rule == "OFFER"), None)

    return await until(found)


async def alert_events(platform: Platform) -> dict[str, list[alert_events_pb2.AlertEvent]]:
    """Every stored event of the offers' alerts, by alert."""
    connection = await asyncpg.connect(_dsn(platform))
    try:
        rows = await connection.fetch(
            "SELECT e.stream_id, e.payload FROM events e JOIN streams s USING (stream_id)"
            " WHERE s.kind = 'alert' AND s.facets ->> 'rule' = 'OFFER' ORDER BY e.stream_id, e.version"
        )
    finally:
        await connection.close()
    found: dict[str, list[alert_events_pb2.AlertEvent]] = {}
    for row in rows:
        event = alert_events_pb2.AlertEvent.FromString(row["payload"])
        found.setdefault(row["stream_id"], []).append(event)
    return found


def _dsn(platform: Platform) -> str:
    server: Any = platform.servers["postgres"]
    return str(server.dsn(f"{DATABASE_PREFIX}notification"))


def calls_in(events: list[alert_events_pb2.AlertEvent]) -> list[Any]:
    payloads = (getattr(event, str(event.WhichOneof("payload"))) for event in events)
    return [call for payload in payloads if hasattr(payload, "calls") for call in payload.calls]


async def test_who_will_be_called_is_foretold_to_those_whose_it_is(platform: Platform) -> None:
    supposed = {"event": "ReferralRequested", "pathway": "STROKE", "urgency": "EMERGENCY"}

    async def answered() -> Any:
        try:
            return await ask(platform, "PreviewRecipients", DESK, supposed)
        except CallFailed as error:  # the directory is still on its way
            assert error.code is grpc.StatusCode.NOT_FOUND
            return None

    preview = await until(answered)
    offered = next(each for each in preview.alerts if each.rule == "OFFER")
    assert list(offered.acknowledgement_policy.roles) == ["STROKE", "bed_desk"]
    first = offered.calls[0]
    assert [(each.user, list(each.roles)) for each in first.recipients] == [
        ("jg-stroke", ["STROKE"]),
        ("jg-bed-desk", ["bed_desk"]),
    ]
    moments = [call.called_at.ToDatetime() for call in offered.calls]
    assert {(after - before).total_seconds() for before, after in pairwise(moments)} == {3.0}
    assert len(offered.calls) == CALLS_OF_ONE
    assert [(each.duty, each.role) for each in offered.unstaffed] == [("backup", "bed_desk")]
    # This platform has no screens and no channels: it says so of everybody.
    assert {
        (each.is_reached, channel.channel, channel.hindrance)
        for each in offered.reaches
        for channel in each.channels
    } == {(False, "board", alert_service_pb2.REACH_HINDRANCE_NO_BOARD_LIVE)}
    assert {each.user for each in offered.reaches} >= {"jg-stroke", "jg-bed-desk"}
    for by, fields in ((STRANGER, {"facility": HOSPITAL}), (DESK, {"facility": BRANCH})):
        with pytest.raises(CallFailed) as refused:
            await ask(platform, "PreviewRecipients", by, {**supposed, **fields})
        assert refused.value.code is grpc.StatusCode.NOT_FOUND


async def test_duty_clinician_and_bed_desk_both_acknowledge(platform: Platform) -> None:
    alert = await alert_of(platform, await create_referral(platform))
    assert alert.dedup_key.startswith(f"OFFER/{alert.subject}/offers/")
    assert list(alert.missing_roles) == ["STROKE", "bed_desk"]
    fields = {"name": alert.name}
    first = (await ask(platform, "AcknowledgeAlert", DOCTOR, {**fields, "request_id": str(uuid4())})).alert
    assert (first.state, list(first.missing_roles)) == (alert_pb2.ALERT_STATE_TRIGGERED, ["bed_desk"])
    with pytest.raises(CallFailed) as refused:
        await ask(platform, "AcknowledgeAlert", DOCTOR, {**fields, "request_id": str(uuid4())})
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
    both = (await ask(platform, "AcknowledgeAlert", DESK, {**fields, "request_id": str(uuid4())})).alert
    assert both.state == alert_pb2.ALERT_STATE_ACKNOWLEDGED
    assert [each.actor.user for each in both.acknowledgements] == ["jg-stroke", "jg-bed-desk"]


async def test_a_kill_and_a_replay_of_the_whole_topics_change_nothing(platform: Platform) -> None:
    referrals = []
    for number in range(REFERRALS):
        referrals.append(await create_referral(platform))
        if number % 4 == 3:
            await kill_notification(platform)

    async def all_have_ended() -> bool:
        found = await alert_events(platform)
        about = {events[0].alert_triggered.subject: events for events in found.values()}
        return all(
            referral in about and about[referral][-1].alert_escalated.exhausted for referral in referrals
        )

    await until(all_have_ended)
    before = await alert_events(platform)
    _called_once(before, set(referrals))

    assert await replay(platform) >= REFERRALS
    await from_the_beginning(platform)
    await until(lambda: is_all_read(platform))
    assert await alert_events(platform) == before


def _called_once(found: dict[str, list[alert_events_pb2.AlertEvent]], referrals: set[str]) -> None:
    """One alert a referral, triggered once, each round once, each call under an id of its own."""
    about = Counter(events[0].alert_triggered.subject for events in found.values())
    assert all(about[referral] == 1 for referral in referrals), "two patients are never grouped, nor doubled"
    for events in found.values():
        if events[0].alert_triggered.subject not in referrals:
            continue
        kinds = [event.WhichOneof("payload") for event in events]
        assert kinds == ["alert_triggered", *["alert_escalated"] * CALLS_OF_ONE]
        rounds = [
            (event.alert_escalated.escalation_step, event.alert_escalated.escalation_round)
            for event in events[1:-1]
        ]
        assert rounds == [(0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]
    ids = [call.id for events in found.values() for call in calls_in(events)]
    assert len(ids) == len(set(ids))
