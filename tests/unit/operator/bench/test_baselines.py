"""What the baselines are given: the same rows, the same records."""

import os
import sys

import pytest

from services.operator.bench.machine import this_machine
from services.operator.bench.memory import memory_bytes, parent_of, with_children
from services.operator.bench.pgbench import script
from services.operator.bench.records import outbox_records
from services.operator.bench.rows import WrittenCommand, WrittenStream


def stream(*, is_new: bool, events: int) -> WrittenStream:
    return WrittenStream(
        kind="referral",
        is_new=is_new,
        event_types=("ReferralRequested",) * events,
        payload_sizes_bytes=(700,) * events,
        snapshot_size_bytes=3000,
        facets='{"patient": "o\'neil"}',
    )


def test_pgbench_has_a_transaction_for_each_command_with_all_of_its_rows() -> None:
    life = (
        WrittenCommand(path="/s/Create", streams=(stream(is_new=True, events=1),)),
        WrittenCommand(path="/s/Accept", streams=(stream(is_new=False, events=2),)),
    )
    text = script(life)
    assert text.count("BEGIN;") == text.count("COMMIT;") == 2
    assert text.count("INSERT INTO events") == text.count("INSERT INTO outbox") == 3
    assert text.count("INSERT INTO requests") == 2
    assert (text.count("INSERT INTO streams"), text.count("UPDATE streams SET version = 3,")) == (1, 1)
    assert "repeat('p', 700)" in text
    assert "o''neil" in text


def test_records_are_the_same_for_the_same_seed_and_keep_each_aggregates_order() -> None:
    first, again = (
        [(each.key, each.version, each.value) for each in outbox_records(95, 3)] for _ in range(2)
    )
    assert first == again
    versions: dict[str, list[int]] = {}
    for key, version, _ in first:
        versions.setdefault(key, []).append(version)
    assert len(versions) == 10
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


def test_the_machine_tells_its_cores_and_versions() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.packages["grpcio"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of a process")
def test_memory_counts_a_process_once_however_often_it_is_named() -> None:
    own = os.getpid()
    assert own in set(with_children(own))
    assert parent_of(own) == os.getppid()
    once, twice = memory_bytes([own], "Pss"), memory_bytes([own, own], "Pss")
    assert once is not None
    assert twice is not None
    assert abs(twice - once) < once / 2
