"""Messages through the real service: one effect for each, whatever dies; silence raises an alarm."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from google.protobuf.timestamp_pb2 import Timestamp

from services.shared.kafka.cloud_events import event_headers
from services.shared.kernel.actor import Role
from tests.doubles.collector import running_collector
from tests.doubles.gateway import Answer, Posted, in_order, running_gateway
from tests.integration.hospital import BRANCH, COUNTY, new_id
from tests.integration.messaging import opened, until
from tests.integration.notification_site import call_for, notification_site, state_of
from tests.stack import SharedStack
from tierlink.notification.v1 import alert_service_pb2
from tierlink.referral.v1 import referral_events_pb2

TOPIC = "tierlink.referral.events.v1"


async def test_a_message_is_sent_once_and_what_became_of_it_is_shown(
    stack: SharedStack, tmp_path: Path
) -> None:
    seen = in_order(Answer(body='{"state": "seen", "reference": "m-1"}'))
    async with running_gateway(seen) as gateway, notification_site(stack, tmp_path, gateway) as site:
        name = await site.trigger(call_for("dr-li", "dr-wang"))
        shown = await site.until_state(name, "SEEN")
        assert {each.recipient for each in shown} == {"dr-li", "dr-wang"}
        assert gateway.keys == {each.id for each in shown}
        assert [each.outcome for each in shown[0].attempts] == ["SENT"]
        assert shown[0].reference == "m-1"
        await site.acknowledge(name)
        await until(lambda: acted(site, name))
        assert len(gateway.posted) == 2


async def acted(site: Any, name: str) -> bool:
    """Whether the message to the person who acknowledged led to the act, and the other's did not."""
    states = {each.recipient: state_of(each) for each in await site.deliveries(name)}
    return states == {"dr-li": "ACTED", "dr-wang": "SEEN"}


async def test_a_process_that_dies_between_sending_and_recording_sends_the_same_key_again(
    stack: SharedStack, tmp_path: Path
) -> None:
    killed = asyncio.Event()

    async def respond(posted: Posted) -> Answer:
        # The gateway has the message; the answer never arrives.
        return Answer() if killed.is_set() else Answer(hang=True)

    async with running_gateway(respond) as gateway, notification_site(stack, tmp_path, gateway) as site:
        name = await site.trigger()
        await gateway.wait_for(1)
        site.process.kill()
        killed.set()
        site.process.start()
        (shown,) = await site.until_state(name, "SENT")
        assert len(gateway.posted) >= 2
        assert gateway.keys == {shown.id}
        assert shown.attempts[0].outcome == "STARTED"
        assert shown.attempts[-1].outcome == "SENT"


async def test_what_is_refused_is_tried_again_and_given_up_at_last(
    stack: SharedStack, tmp_path: Path
) -> None:
    refuses = in_order(Answer(status=503), Answer(status=429), Answer())
    async with running_gateway(refuses) as gateway, notification_site(stack, tmp_path, gateway) as site:
        name = await site.trigger()
        (shown,) = await site.until_state(name, "SENT")
        assert [each.outcome for each in shown.attempts] == ["UNKNOWN", "FAILED", "SENT"]
        assert [each.detail for each in shown.attempts] == ["HTTP 503", "HTTP 429", ""]
        gateway.respond = in_order(Answer(status=503))
        hopeless = await site.trigger(call_for("dr-li"))
        (shown,) = await site.until_state(hopeless, "DEAD")
        assert len(shown.attempts) == 4


async def test_a_message_and_its_tries_belong_to_the_trace_of_the_alert(
    stack: SharedStack, tmp_path: Path
) -> None:
    trace, unit = new_id().replace("-", ""), "00f067aa0ba902b7"
    async with (
        running_collector() as collector,
        running_gateway(in_order(Answer(status=503), Answer())) as gateway,
        notification_site(
            stack, tmp_path, gateway, settings={"TIERLINK_TRACING_ENDPOINT": collector.endpoint}
        ) as site,
    ):
        name = await site.trigger(traceparent=f"00-{trace}-{unit}-01")
        await site.until_state(name, "SENT")
        spans = await collector.until(lambda spans: sum(s.trace_id == trace for s in spans) == 2)
        tried = sorted((s for s in spans if s.trace_id == trace), key=lambda span: span.started_ns)
        assert {(s.name, s.kind, s.parent_id) for s in tried} == {("deliver gateway", "CLIENT", unit)}
        told = [
            (s.is_error, *(s.attributes[f"tierlink.delivery.{key}"] for key in ("attempt", "outcome")))
            for s in tried
        ]
        assert told == [(True, 1, "failed"), (False, 2, "sent")]
        # Whom it was sent to is on no span.
        assert "dr-li" not in repr([(s.name, s.attributes) for s in spans])


async def test_an_answered_alert_stops_what_is_not_sent_yet(stack: SharedStack, tmp_path: Path) -> None:
    slow = "    timeout_s: 20\n    retry_first_s: 3600\n    retry_max_s: 3600"
    async with (
        running_gateway(in_order(Answer(status=503))) as gateway,
        notification_site(stack, tmp_path, gateway, more_channels=slow) as site,
    ):
        name = await site.trigger()
        await gateway.wait_for(1)
        await site.acknowledge(name)
        (shown,) = await site.until_state(name, "CANCELLED")
        assert shown.detail == "ACKNOWLEDGED"
        assert len(gateway.posted) == 1


async def test_two_alerts_of_one_moment_on_one_case_are_one_message(
    stack: SharedStack, tmp_path: Path
) -> None:
    async with running_gateway() as gateway, notification_site(stack, tmp_path, gateway) as site:
        first = call_for("dr-li")
        one = await site.trigger(first)
        two = await site.trigger(first, rule="OFFER_OVERDUE", dedup_key=f"OFFER_OVERDUE/{first.subject}")
        # Whichever is planned first speaks for both.
        told = [
            *await site.until_state(one, "SENT", "MERGED"),
            *await site.until_state(two, "SENT", "MERGED"),
        ]
        by_state = {state_of(each): each for each in told}
        assert by_state["MERGED"].detail == by_state["SENT"].id
        other = await site.trigger(call_for("dr-li"))
        await site.until_state(other, "SENT")
        assert len(gateway.keys) == 2


async def test_a_silent_channel_raises_one_alarm_by_another_and_settles_it(
    stack: SharedStack, tmp_path: Path
) -> None:
    async with running_gateway(in_order(Answer(status=503))) as broken, running_gateway() as works:
        second = f"""
  other:
    type: signed_webhook
    url: {works.url}/alerts
    secret: ${{TIERLINK_CHANNEL_SECRET}}
    personal: true
"""
        async with notification_site(
            stack,
            tmp_path,
            broken,
            more_channels=second,
            fallback_channels="gateway, other",
            settings={"TIERLINK_NOTIFICATION_SILENT_FAILURES": "3"},
        ) as site:
            for _ in range(3):
                await site.trigger(call_for("dr-li"))
            (told,) = await works.wait_for(1)
            assert told.json["recipient"] == "platform-duty"
            assert "gateway" in str(told.json["text"])
            broken.respond = in_order(Answer())
            await site.trigger(call_for("dr-li"))
            await until(lambda: settled(site, "gateway"))
            assert len(works.keys) == 1


async def settled(site: Any, channel: str) -> bool:
    """Whether the channel's only alarm is resolved by its working again."""
    async with site.alerts() as alerts:
        reply = await alerts.ListAlerts(
            alert_service_pb2.ListAlertsRequest(subject=f"channels/{channel}"),
            metadata=site.as_("", Role.OPERATOR),
        )
    assert len(reply.alerts) == 1
    return str(reply.alerts[0].resolution) == "ChannelWorks"


@pytest.mark.timeout(180)
async def test_duplicates_and_a_replay_of_the_topic_send_nothing(stack: SharedStack, tmp_path: Path) -> None:
    referral = f"referrals/{new_id()}"
    async with (
        running_gateway() as gateway,
        notification_site(
            stack,
            tmp_path,
            gateway,
            parts="grpc,relay,consumer,deadlines,deliveries",
            kafka=stack.kafka_bootstrap,
        ) as site,
        AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap) as producer,
    ):
        await publish(producer, referral, times=2)
        await gateway.wait_for(1)
        await until(lambda: consumed(site.dsn, referral))
        site.process.stop()
        await rewind(stack.kafka_bootstrap, await producer.partitions_for(TOPIC))
        site.process.start()
        # What comes after the replay on the same partition is handled after it.
        later = f"referrals/{new_id()}"
        await publish(producer, later, times=1)
        await until(lambda: consumed(site.dsn, later))
        await until(lambda: planned(site.dsn))
        about = [posted for posted in gateway.posted if str(posted.json["values"]).count(case(referral))]
        assert len({posted.headers["webhook-id"] for posted in about}) == 1


def case(referral: str) -> str:
    return referral.partition("/")[2].replace("-", "")[:8].upper()


async def consumed(dsn: str, referral: str) -> bool:
    async with opened(dsn) as database:
        return bool(await database.fetch_value("SELECT version FROM inbox WHERE aggregate_id = $1", referral))


async def planned(dsn: str) -> bool:
    async with opened(dsn) as database:
        waiting = "SELECT NOT EXISTS (SELECT FROM delivery_calls) AND NOT EXISTS"
        sql = f"{waiting} (SELECT FROM deliveries WHERE state = 'PENDING')"
        return bool(await database.fetch_value(sql))


async def publish(producer: AIOKafkaProducer, referral: str, *, times: int) -> None:
    """An emergency's request, as the referral service publishes it."""
    at = datetime.now(UTC)
    stamp = Timestamp()
    stamp.FromDatetime(at)
    event = referral_events_pb2.ReferralEvent(
        metadata={
            "event_id": new_id(),
            "aggregate_id": referral,
            "version": 1,
            "type": "ReferralRequested",
            "occurred_at": stamp,
            "recorded_at": stamp,
        },
        referral_requested={
            "urgency": "URGENCY_EMERGENCY",
            "pathway": "PATHWAY_STROKE",
            "origin_facility": BRANCH,
            "offers": [{"name": f"offers/{new_id()}", "facility": COUNTY, "state": "OFFER_STATE_SENT"}],
        },
    )
    headers = event_headers(
        source=b"/tierlink/referral",
        event_id=event.metadata.event_id,
        type_="ReferralRequested",
        subject=referral.encode(),
        recorded_at=at,
        version=1,
        traceparent="",
    )
    for _ in range(times):
        await producer.send_and_wait(TOPIC, event.SerializeToString(), key=referral.encode(), headers=headers)


async def rewind(bootstrap: str, numbers: set[int]) -> None:
    """Has the service's group read the whole topic again."""
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id="tierlink-notification", enable_auto_commit=False
    ) as consumer:
        partitions = [TopicPartition(TOPIC, number) for number in numbers]
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
