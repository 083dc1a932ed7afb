"""The worker of availability waits for a Kafka that is still starting, and gives up in the end."""

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from services.bed import availability
from services.shared.kafka.address import KafkaAddress

KAFKA = KafkaAddress(bootstrap="127.0.0.1:1")


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Kafka's group coordinator is there at the third time of asking."""
    asked: list[str] = []

    async def usable_generation(kafka: KafkaAddress) -> str:
        asked.append(kafka.bootstrap)
        if len(asked) < 3:
            raise GroupCoordinatorNotAvailableError()
        return "generation"

    async def ensure_topics(kafka: KafkaAddress, topics: object) -> None:
        pass

    monkeypatch.setattr(availability, "usable_generation", usable_generation)
    monkeypatch.setattr(availability, "ensure_topics", ensure_topics)
    return asked


async def test_it_waits_for_a_coordinator(tries: list[str]) -> None:
    assert await availability._prepare(KAFKA) == "generation"
    assert len(tries) == 3


async def test_it_does_not_wait_for_ever(tries: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "_START_TIMEOUT_S", -1.0)
    with pytest.raises(KafkaError):
        await availability._prepare(KAFKA)
    assert len(tries) == 1
