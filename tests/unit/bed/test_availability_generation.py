"""Which group the availability worker goes on with, where Kafka does not answer at once."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError

from services.bed.adapters import availability_generation
from services.bed.adapters.availability_generation import generation, usable_generation
from services.shared.kafka.address import KafkaAddress

KAFKA = KafkaAddress(bootstrap="127.0.0.1:1")


class Admin:
    """Kafka's answers about groups: refused so many times, then where the first group has got to."""

    def __init__(self, refusals: int, offset: int) -> None:
        self.refusals = refusals
        self._offset = offset

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def list_consumer_group_offsets(self, group: str) -> dict[str, Any]:
        if self.refusals:
            self.refusals -= 1
            raise GroupCoordinatorNotAvailableError(group)
        return {"counts-0": SimpleNamespace(offset=self._offset)} if group == generation(1) else {}

    async def list_topics(self) -> list[str]:
        return []


def _answering(monkeypatch: pytest.MonkeyPatch, admin: Admin) -> Admin:
    monkeypatch.setattr(availability_generation, "AIOKafkaAdminClient", lambda **options: admin)
    monkeypatch.setattr(availability_generation, "_COORDINATOR_WAIT_S", 0.0)
    return admin


@pytest.mark.parametrize(("offset", "number"), [(0, 1), (7, 2)])
async def test_a_kafka_that_still_makes_its_topic_of_groups_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, offset: int, number: int
) -> None:
    """What it says then counts: the refusal is no word about the group."""
    admin = _answering(monkeypatch, Admin(refusals=3, offset=offset))
    assert await usable_generation(KAFKA) == generation(number)
    assert admin.refusals == 0


async def test_a_kafka_without_a_coordinator_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = _answering(monkeypatch, Admin(refusals=1_000, offset=7))
    with pytest.raises(GroupCoordinatorNotAvailableError):
        await usable_generation(KAFKA)
    assert admin.refusals == 950
