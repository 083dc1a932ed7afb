"""Messages are packed by partition in order, and a chain ends at its first failure."""

from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, OutOfOrderSequenceNumber
from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.outbox.publisher import Chain, decode_headers, encode_headers


class Producer:
    """Builds real batches, and delivers until it is told to fail."""

    def __init__(self, *, fails_at: int = 1_000, error: Exception | None = None) -> None:
        self.sent: list[int] = []
        self._fails_at = fails_at
        self._error = error or KafkaTimeoutError()

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(300, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Any:
        assert batch.closed()

        async def deliver() -> None:
            if len(self.sent) >= self._fails_at:
                raise self._error
            self.sent.append(batch.record_count())

        return deliver()


def _chain(producer: Producer, values: list[bytes]) -> Chain:
    chain = Chain("t", 0)
    for number, value in enumerate(values):
        chain.add(producer, number, timestamp=0, key=b"k", value=value, headers=[])
    return chain


async def test_everything_is_acknowledged_in_order() -> None:
    producer = Producer()
    chain = _chain(producer, [b"x" * 100] * 7)
    await chain.send(producer)
    assert chain.acknowledged == list(range(7))
    assert sum(producer.sent) == 7
    assert len(producer.sent) > 1, "several batches, one after the other"


async def test_nothing_is_sent_behind_a_failure() -> None:
    producer = Producer(fails_at=1, error=OutOfOrderSequenceNumber())
    chain = _chain(producer, [b"x" * 100] * 7)
    with pytest.raises(OutOfOrderSequenceNumber):
        await chain.send(producer)
    assert chain.acknowledged == list(range(producer.sent[0]))
    assert len(producer.sent) == 1


async def test_a_message_larger_than_a_batch_has_one_of_its_own() -> None:
    producer = Producer()
    chain = _chain(producer, [b"a", b"x" * 5_000, b"b"])
    await chain.send(producer)
    assert chain.acknowledged == [0, 1, 2]


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.binary())))
def test_headers_survive_the_outbox(headers: list[tuple[str, bytes]]) -> None:
    assert decode_headers(encode_headers(headers)) == headers
