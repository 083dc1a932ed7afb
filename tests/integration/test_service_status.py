"""A service says how it is, to operators: nobody relays, a deadline is overdue, a newer version migrated."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import grpc
import pytest

from services.embedded.databases import drop_database
from services.shared.kernel.actor import Role
from tests.integration.hospital import COUNTY, new_id, referral_service
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.operations.v1 import status_service_pb2 as pb
from tierlink.operations.v1 import status_service_pb2_grpc

_OVERDUE = """
    INSERT INTO deadlines (stream_id, key, kind, due_at, set_version)
    VALUES ('referrals/nobody', 'k', 'referral', now() - interval '1 minute', 1)
"""


@pytest.mark.asyncio
async def test_what_waits_and_what_is_missing_is_told_to_operators(stack: SharedStack, tmp_path: Any) -> None:
    dsn = await stack.create_database(f"status_{new_id()[:8]}")
    async with referral_service(tmp_path, dsn=dsn, parts="grpc") as (hospital, _):
        stub: Any = status_service_pb2_grpc.StatusServiceStub(hospital.channel)  # type: ignore[no-untyped-call]
        operator = hospital.as_("", Role.OPERATOR)
        status = await stub.GetStatus(pb.GetStatusRequest(), metadata=operator)
        assert (status.service, list(status.parts)) == ("referral", ["grpc"])
        assert (status.relays.live_count, list(status.relays.unheld_shards)) == (0, list(range(8)))
        # The directory was applied, and nobody carries it to Kafka.
        assert status.outbox.messages_count > 0
        assert status.outbox.HasField("oldest_at")
        assert status.migrations.applied_count == status.migrations.expected_count > 4
        assert abs(status.database_ahead_ms) < 500
        assert abs((status.server_time.ToDatetime(UTC) - datetime.now(UTC)).total_seconds()) < 5
        assert not status.HasField("certificate_valid_until")
        assert (status.overdue_deadlines.count, status.dead_letters.count) == (0, 0)

        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(_OVERDUE)
            await connection.execute("INSERT INTO schema_migrations (version) VALUES ('9999')")
            await connection.execute("DELETE FROM schema_migrations WHERE version = '0004'")
        finally:
            await connection.close()
        status = await stub.GetStatus(pb.GetStatusRequest(), metadata=operator)
        overdue = status.overdue_deadlines
        assert overdue.count == 1
        waited = status.database_time.ToDatetime(UTC) - overdue.oldest_at.ToDatetime(UTC)
        assert 60 <= waited.total_seconds() < 120
        assert (list(status.migrations.missing), list(status.migrations.unknown)) == (["0004"], ["9999"])

        for role in (Role.CLINICIAN, Role.COORDINATOR):
            call = stub.GetStatus(pb.GetStatusRequest(), metadata=hospital.as_(COUNTY, role))
            await refused(call, grpc.StatusCode.PERMISSION_DENIED)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])
