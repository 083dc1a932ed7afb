"""Watch streams of a running service: a client that comes back misses nothing and is sent nothing twice."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.integration.hospital import COUNTY, OTHER, Hospital, new_id, referral_service
from tests.integration.referral_site import refused
from tests.stack import CreateDatabase, SharedStack
from tierlink.referral.v1 import referral_service_pb2 as pb

BOUND_S = 60.0


class Watcher:
    """One client's stream, and what it was sent."""

    def __init__(self, hospital: Hospital, token: str = "", facility: str = COUNTY) -> None:
        self._call = hospital.referrals.WatchReferrals(
            pb.WatchReferralsRequest(resume_token=token), metadata=hospital.as_(facility)
        )
        self.token = token
        self.sent: list[tuple[str, int, str]] = []

    async def __aenter__(self) -> "Watcher":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._call.cancel()

    async def until(self, count: int, *, token: bool = True) -> None:
        """Reads until so many changes were sent, and a token came."""
        async with asyncio.timeout(BOUND_S):
            while len(self.sent) < count or (token and not self.token):
                message: Any = await self._call.read()
                assert message is not grpc.aio.EOF
                self.token = message.resume_token or self.token
                if message.HasField("referral"):
                    self.sent.append((message.referral.name, message.referral.version, message.event_type))


async def test_a_client_that_comes_back_misses_nothing_and_is_sent_nothing_twice(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with referral_service(
        tmp_path, dsn=await database(), kafka=stack.kafka_bootstrap, parts="grpc,relay"
    ) as (hospital, _):
        early = [(await hospital.create()).name for _ in range(3)]

        async with Watcher(hospital) as first:
            await first.until(3)
            later = [(await hospital.create()).name for _ in range(2)]
            await first.until(5)
        acknowledge = pb.AcknowledgeOfferRequest(request_id=new_id(), name=early[0])
        await hospital.referrals.AcknowledgeOffer(acknowledge, metadata=hospital.as_(COUNTY))
        missed = (await hospital.create()).name
        async with Watcher(hospital, first.token) as second:
            await second.until(2)
            last = (await hospital.create()).name
            await second.until(3)
        async with Watcher(hospital, second.token) as third:
            final = (await hospital.create()).name
            await third.until(1)

        assert {(name, version) for name, version, _ in first.sent[:3]} == {(name, 1) for name in early}
        assert sorted(first.sent[3:]) == sorted((name, 1, "ReferralRequested") for name in later)
        assert sorted(second.sent[:2]) == sorted(
            [(early[0], 2, "OfferAcknowledged"), (missed, 1, "ReferralRequested")]
        )
        assert second.sent[2:] == [(last, 1, "ReferralRequested")]
        assert third.sent == [(final, 1, "ReferralRequested")]


async def test_a_stream_shows_only_what_its_watcher_takes_part_in_and_refuses_a_foreign_token(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with referral_service(
        tmp_path, dsn=await database(), kafka=stack.kafka_bootstrap, parts="grpc,relay"
    ) as (hospital, _):
        async with Watcher(hospital, facility=OTHER) as stranger, Watcher(hospital) as party:
            await stranger.until(0)
            await party.until(0)
            await hospital.create()
            await party.until(1)
            own = await hospital.create(metadata=hospital.as_(OTHER))
            await stranger.until(1)
            assert [name for name, _, _ in stranger.sent] == [own.name]

        stream = hospital.referrals.WatchReferrals(
            pb.WatchReferralsRequest(resume_token="not-a-token"), metadata=hospital.as_(COUNTY)
        )
        found = await refused(_first(stream), grpc.StatusCode.INVALID_ARGUMENT)
        assert [violation.field for violation in found["BadRequest"].field_violations] == ["resume_token"]


async def _first(stream: Any) -> Any:
    async with aclosing(stream.__aiter__()) as messages:
        async for message in messages:
            return message
    pytest.fail("the stream ended")
