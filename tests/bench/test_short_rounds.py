"""Rounds that end before their first answer, against a bare server in this process."""

from collections.abc import AsyncIterator

import pytest

from services.operator.bench.jobs.batches import BatchClient
from services.operator.bench.jobs.echo import EchoServer
from services.operator.bench.jobs.load import LoadClient
from services.operator.bench.life import PEOPLE, commands_of_a_life
from services.operator.rpc.methods import rpc_methods
from tierlink.referral.v1 import batch_service_pb2 as pb

_NAME = "referrals/00000000-0000-4000-8000-000000000002"
_BATCH = "/tierlink.referral.v1.BatchService/SubmitBatch"
_ITEMS = 3
_TOKENS = dict.fromkeys(PEOPLE, "token")


@pytest.fixture
async def address() -> AsyncIterator[str]:
    batch = pb.SubmitBatchResponse()
    for _ in range(_ITEMS):
        batch.results.add().create_referral.referral.name = _NAME
    replies = {_BATCH: batch.SerializeToString()}
    for command in commands_of_a_life():
        reply = rpc_methods()[command.method].response_type()
        reply.referral.name = _NAME  # type: ignore[attr-defined]
        replies[command.path] = reply.SerializeToString()
    server = EchoServer(replies)
    await server.start()
    yield server.address
    await server.close()


async def test_each_round_of_commands_has_as_many_answers_as_callers(address: str) -> None:
    client = LoadClient()
    try:
        for _ in range(3):
            found = await client.round(address=address, tokens=_TOKENS, concurrency=4, seconds=0.0, seed="s")
            assert found["commands"] == 4
            assert found["seconds"] > 0
            assert found["per_second"] == pytest.approx(4 / found["seconds"])
    finally:
        await client.close()


async def test_each_caller_of_a_round_of_batches_sends_one(address: str) -> None:
    client = BatchClient()
    try:
        found = await client.round(
            address=address, tokens=_TOKENS, concurrency=2, items=_ITEMS, seconds=0.0, seed="s"
        )
    finally:
        await client.close()
    assert found["commands"] == found["answered"] == 2 * _ITEMS
