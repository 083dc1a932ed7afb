"""A notification service in a process of its own, with a channel to a gateway that the test runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.notification.adapters.rule_catalogue import DEFAULT_RULES
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert, alert_name
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.values import EscalationStep, Recipient
from services.operator.platform.key_folder import ensure_keys
from services.operator.platform.service_process import ServiceProcess
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.kernel.actor import Actor, Role, system_actor
from services.shared.kernel.command import CommandContext
from services.shared.rpc.signing import SigningKey, sign_token
from tests.doubles.gateway import Gateway
from tests.integration.hospital import COUNTY, new_id
from tests.integration.messaging import opened, opened_store, until
from tests.stack import SharedStack
from tests.unit.notification.scenario import TRIGGER
from tierlink.notification.v1 import alert_service_pb2, alert_service_pb2_grpc

SECRET = "a-secret-of-the-test"
KINDS = build_aggregates()


@dataclass(kw_only=True)
class NotificationSite:
    """The process, its database, and what a test asks of them."""

    process: ServiceProcess
    dsn: str
    key: SigningKey
    store: PostgresEventStore
    gateway: Gateway

    def as_(self, facility: str, *roles: Role, user: str = "dr-li") -> tuple[tuple[str, str], ...]:
        actor = Actor(user=user, name=user, facility=facility, roles=roles or (Role.CLINICIAN,))
        token = sign_token(self.key, actor, issued_at=datetime.now(UTC), lifetime_s=3600)
        return (("authorization", f"Bearer {token}"),)

    @asynccontextmanager
    async def alerts(self) -> AsyncIterator[Any]:
        async with grpc.aio.insecure_channel(self.process.ready.grpc) as channel:
            yield alert_service_pb2_grpc.AlertServiceStub(channel)

    async def trigger(
        self, command: TriggerAlert | None = None, *, traceparent: str = "", **changes: Any
    ) -> str:
        """Triggers an alert that calls `dr-li` by the gateway; returns its name."""
        asked = replace(command or call_for("dr-li"), **changes)
        name = alert_name(asked.dedup_key, None)
        at = datetime.now(UTC)

        async def reaction(work: Work) -> None:
            state: Alert | None = await work.load(KINDS.alert, name)
            await work.record(KINDS.alert, name, alerts.decide(state, asked, work.context))

        context = CommandContext(
            request_id=new_id(),
            actor=system_actor("notification"),
            occurred_at=at,
            recorded_at=at,
            traceparent=traceparent,
        )
        await CommandRunner(self.store).react(reaction, context, target=name, inbox=None)
        return name

    async def acknowledge(self, name: str, *, user: str = "dr-li") -> None:
        async with self.alerts() as alerts_:
            await alerts_.AcknowledgeAlert(
                alert_service_pb2.AcknowledgeAlertRequest(request_id=new_id(), name=name),
                metadata=self.as_(COUNTY, user=user),
            )

    async def resolve(self, name: str) -> None:
        async with self.alerts() as alerts_:
            await alerts_.ResolveAlert(
                alert_service_pb2.ResolveAlertRequest(
                    request_id=new_id(), name=name, reason={"code": "HANDLED"}
                ),
                metadata=self.as_(COUNTY),
            )

    async def deliveries(self, name: str) -> list[Any]:
        """What GetAlert shows of the alert's messages."""
        async with self.alerts() as alerts_:
            reply = await alerts_.GetAlert(
                alert_service_pb2.GetAlertRequest(name=name),
                metadata=self.as_("", Role.OPERATOR),
            )
        return list(reply.channel_deliveries)

    async def until_state(self, name: str, *states: str) -> list[Any]:
        """The alert's messages, once each is in one of these states."""
        found: list[Any] = []

        async def settled() -> bool:
            found[:] = await self.deliveries(name)
            return bool(found) and {state_of(each) for each in found} <= set(states)

        await until(settled)
        return found


def state_of(delivery: Any) -> str:
    from tierlink.notification.v1 import delivery_pb2  # noqa: PLC0415

    name = delivery_pb2.ChannelDeliveryState.Name(delivery.state)
    return name.removeprefix("CHANNEL_DELIVERY_STATE_")


def call_for(*users: str, channels: tuple[str, ...] = ("gateway",), repeat_s: int = 3600) -> TriggerAlert:
    """An alert of its own that calls these people once an hour."""
    subject = f"referrals/{new_id()}"
    step = EscalationStep(
        duty="duty",
        facility=COUNTY,
        recipients=tuple(Recipient(user=user, name=user, channels=channels) for user in users),
        repeat_s=repeat_s,
        rounds=3,
    )
    return replace(
        TRIGGER,
        facility=COUNTY,
        subject=subject,
        dedup_key=f"OFFER/{subject}/1",
        escalation=(step,),
        act_by=datetime.now(UTC) + timedelta(minutes=10),
    )


def channels_file(folder: Path, gateway: Gateway, more: str = "") -> Path:
    path = folder / "channels.yaml"
    path.write_text(
        f"""
channels:
  gateway:
    type: signed_webhook
    url: {gateway.url}/alerts
    secret: ${{TIERLINK_CHANNEL_SECRET}}
    personal: true
    timeout_s: 3
    attempts_max: 4
    retry_first_s: 0.05
    retry_max_s: 0.2
{more}
""",
        encoding="utf-8",
    )
    return path


def rules_file(folder: Path, fallback_channels: str) -> Path:
    """The product's rules, with channels for whoever is called last."""
    text = DEFAULT_RULES.read_text(encoding="utf-8")
    person = "{user: platform-duty, name: 平台总值班}"
    assert person in text
    path = folder / "rules.yaml"
    named = person.replace("}", f", channels: [{fallback_channels}]}}")
    path.write_text(text.replace(person, named), encoding="utf-8")
    return path


@asynccontextmanager
async def notification_site(
    stack: SharedStack,
    folder: Path,
    gateway: Gateway,
    *,
    parts: str = "grpc,deadlines,deliveries",
    kafka: str = "127.0.0.1:1",
    more_channels: str = "",
    fallback_channels: str = "gateway",
    settings: dict[str, str] | None = None,
) -> AsyncIterator[NotificationSite]:
    """The service for the time of the block."""
    dsn = await stack.create_database(f"notification_{new_id()[:8]}")
    key, files = ensure_keys(folder / "keys")
    process = ServiceProcess(
        "notification",
        folder=folder,
        environment={
            "TIERLINK_NOTIFICATION_DSN": dsn,
            "TIERLINK_KAFKA_BOOTSTRAP": kafka,
            "TIERLINK_JWKS": str(files.jwks),
            "TIERLINK_PARTS": parts,
            "TIERLINK_LOG_LEVEL": "WARNING",
            "TIERLINK_NOTIFICATION_CHANNELS": str(channels_file(folder, gateway, more_channels)),
            "TIERLINK_NOTIFICATION_RULES": str(rules_file(folder, fallback_channels)),
            "TIERLINK_CHANNEL_SECRET": SECRET,
            **(settings or {}),
        },
    )
    process.start()
    try:
        async with opened(dsn), opened_store(dsn) as store:
            yield NotificationSite(process=process, dsn=dsn, key=key, store=store, gateway=gateway)
    finally:
        process.stop()
