"""What is not sent yet when somebody answers, and what was to be told together with it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from services.notification.domain.values import AcknowledgementPolicy
from tests.doubles.gateway import Answer, in_order, running_gateway
from tests.integration.messaging import opened, until
from tests.integration.notification_site import NotificationSite, call_for, notification_site, state_of
from tests.stack import SharedStack

#: Refused once, and not tried again within the test.
SLOW = "    timeout_s: 20\n    retry_first_s: 3600\n    retry_max_s: 3600"


async def test_one_of_several_who_must_acknowledge_is_told_no_more(
    stack: SharedStack, tmp_path: Path
) -> None:
    async with (
        running_gateway(in_order(Answer(status=503))) as gateway,
        notification_site(stack, tmp_path, gateway, more_channels=SLOW) as site,
    ):
        command = call_for("dr-li", "dr-wang")
        name = await site.trigger(replace(command, acknowledgement_policy=AcknowledgementPolicy(count=2)))
        await gateway.wait_for(2)
        await site.acknowledge(name)

        async def is_stopped() -> bool:
            return await told(site, name) == {"dr-li": ("CANCELLED", "ANSWERED"), "dr-wang": waits}

        waits = ("PENDING", "HTTP 503")
        await until(is_stopped)


async def test_what_was_merged_into_a_message_that_is_not_sent_is_sent_by_itself(
    stack: SharedStack, tmp_path: Path
) -> None:
    async with (
        running_gateway(in_order(Answer(status=503), Answer())) as gateway,
        notification_site(stack, tmp_path, gateway, more_channels=SLOW) as site,
    ):
        first = call_for("dr-li")
        one = await site.trigger(first)
        two = await site.trigger(first, rule="OFFER_OVERDUE", dedup_key=f"OFFER_OVERDUE/{first.subject}")
        await site.until_state(one, "PENDING", "MERGED")
        await site.until_state(two, "PENDING", "MERGED")
        await gateway.wait_for(1)
        # Whichever was planned first speaks for both.
        (told,) = await site.deliveries(one)
        spoken, merged = (two, one) if state_of(told) == "MERGED" else (one, two)
        assert [state_of(each) for each in await site.deliveries(merged)] == ["MERGED"]
        await site.acknowledge(spoken)
        (alone,) = await site.until_state(merged, "SENT")
        assert {posted.headers["webhook-id"] for posted in gateway.posted[1:]} == {alone.id}
        (stopped,) = await site.until_state(spoken, "CANCELLED")
        assert stopped.detail == "ACKNOWLEDGED"


async def test_a_call_that_cannot_be_planned_waits_and_is_planned_later(
    stack: SharedStack, tmp_path: Path
) -> None:
    async with running_gateway() as gateway, notification_site(stack, tmp_path, gateway) as site:
        async with opened(site.dsn) as database:
            # A call of an event that is not there, as a fault of the program would leave it.
            insert = "INSERT INTO delivery_calls (stream_id, version, type) VALUES ($1, 7, 'AlertTriggered')"
            await database.execute(insert, "alerts/none")

            async def is_put_off() -> bool:
                failures = "SELECT failures FROM delivery_calls WHERE stream_id = 'alerts/none'"
                return bool(await database.fetch_value(failures) > 1)

            await until(is_put_off)
        name = await site.trigger()
        await site.until_state(name, "SENT")


async def told(site: NotificationSite, name: str) -> dict[str, Any]:
    return {each.recipient: (state_of(each), each.detail) for each in await site.deliveries(name)}
