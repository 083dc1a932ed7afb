"""Our partitions are those of Kafka's own clients."""

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.kafka.partitions import murmur2, partition_of


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_the_hash_is_that_of_kafkas_clients(key: bytes) -> None:
    assert murmur2(key) == reference(key)


def test_the_hash_is_that_of_the_java_client() -> None:
    # From Kafka's own UtilsTest, as unsigned numbers.
    known = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    for key, signed in known.items():
        assert murmur2(key) == signed & 0xFFFFFFFF


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=60), st.integers(min_value=1, max_value=64))
def test_the_partition_is_that_of_kafkas_clients(key: bytes, partitions: int) -> None:
    everything = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everything, everything)
