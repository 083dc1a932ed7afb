"""The StatusService of one service: entrypoint of a mechanism, the same for all three."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotPermitted
from services.shared.kernel.text import BilingualText
from services.shared.operations.condition import Condition, ConditionReader, Waiting
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.operations.v1 import status_service_pb2 as pb

SERVICE = "tierlink.operations.v1.StatusService"

_MILLISECOND = timedelta(milliseconds=1)


class StatusServicer:
    """Serves operators; everybody else is refused."""

    def __init__(
        self,
        reader: ConditionReader,
        *,
        service: str,
        parts: Iterable[str],
        certificate_valid_until: datetime | None,
        kafka_certificate_valid_until: datetime | None,
    ) -> None:
        """`certificate_valid_until` is of the certificate that this process serves with; None without TLS.

        `kafka_certificate_valid_until` is of the one that it shows to Kafka; None where it shows none.
        """
        self._reader = reader
        self._service = service
        self._parts = tuple(sorted(parts))
        self._certificate_valid_until = certificate_valid_until
        self._kafka_certificate_valid_until = kafka_certificate_valid_until

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="GetStatus",
                request_type=pb.GetStatusRequest,
                response_type=pb.GetStatusResponse,
                handler=self.get_status,
            ),
        )

    async def get_status(self, request: pb.GetStatusRequest, call: Call) -> pb.GetStatusResponse:
        """Raises NotPermitted, DependencyDown."""
        check_actor(call.actor)
        found = await self._reader.read()
        response = status_message(found)
        response.service = self._service
        response.product_version = version("tierlink")
        response.parts.extend(self._parts)
        response.server_time.FromDatetime(datetime.now(UTC))
        if self._certificate_valid_until is not None:
            response.certificate_valid_until.FromDatetime(self._certificate_valid_until)
        if self._kafka_certificate_valid_until is not None:
            response.kafka_certificate_valid_until.FromDatetime(self._kafka_certificate_valid_until)
        return response


def check_actor(actor: Actor) -> None:
    """Raises NotPermitted for anybody but operators."""
    if not actor.has_role(Role.OPERATOR):
        text = BilingualText(zh="仅运维人员可查看服务状态", en="only operators see how a service is")
        raise NotPermitted("ROLE_NOT_PERMITTED", text)


def status_message(found: Condition) -> pb.GetStatusResponse:
    """What the database says, as a message."""
    return pb.GetStatusResponse(
        database_time=_timestamp(found.database_time),
        database_ahead_ms=round(found.database_ahead / _MILLISECOND),
        migrations=pb.Migrations(
            applied_count=found.schema.applied_count,
            expected_count=found.schema.expected_count,
            missing=found.schema.missing,
            unknown=found.schema.unknown,
        ),
        outbox=pb.Outbox(
            messages_count=found.outbox.count,
            oldest_at=_timestamp(found.outbox.oldest_at),
        ),
        relays=pb.Relays(
            live_count=found.live_relays_count,
            shards_count=found.shards_count,
            unheld_shards=found.unheld_shards,
        ),
        parked_aggregates=_waiting(found.parked_aggregates),
        dead_letters=_waiting(found.dead_letters),
        overdue_deadlines=_waiting(found.overdue_deadlines),
    )


def _waiting(found: Waiting) -> pb.Waiting:
    return pb.Waiting(count=found.count, oldest_at=_timestamp(found.oldest_at))


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment.astimezone(UTC))
    return stamp
