"""`tierlink events replay` on a real Kafka: plans, copies, cuts and what is refused."""

import json
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.integration.event_copies import (
    Made,
    by_key,
    events,
    histories,
    new_topic,
    put,
    records_of,
    replays,
    started,
)
from tests.integration.messaging import until
from tests.stack import SharedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sent_so_far(path: Path) -> int:
    return int(json.loads(path.read_bytes())["sent"]) if path.exists() else 0


def unreplayed(records: list[Any]) -> set[tuple[object, ...]]:
    """All of a record but where it stands and the marks of replays."""
    return {
        (
            record.key,
            record.value,
            tuple(header for header in record.headers if not header[0].startswith("tierlink_replay")),
        )
        for record in records
    }


async def test_a_plan_writes_nothing_and_a_replay_copies_everything_but_the_marks(
    stack: SharedStack, tmp_path: Path
) -> None:
    topic = await new_topic(stack)
    made = histories(20, 10)
    await put(stack, topic, made)
    state = tmp_path / "replay.json"
    order = ("replay", topic, "--to-suffix", ".copy", "--state", str(state))
    code, _, said = await events(stack, *order, "--speed", "10x")
    assert code == 0
    for part in ("200 records are read, 200 of them are sent", "0:00:20", f"{topic}.copy", "--execute"):
        assert part in said, part
    assert not state.exists()
    code, _, said = await events(stack, *order, "--execute")
    assert code == 0, said
    copies = await records_of(stack, f"{topic}.copy", count=200)
    assert unreplayed(copies) == unreplayed(await records_of(stack, topic, count=200))
    assert by_key(copies) == {f"referrals/{number}": list(range(1, 11)) for number in range(20)}
    assert replays(copies) == {b"1"}
    # The file of a replay that is done is neither taken for a new one nor sent again.
    assert (await events(stack, *order, "--execute"))[0] == 2
    assert (await events(stack, "replay", "--resume", str(state), "--execute"))[0] == 0
    assert len(await records_of(stack, f"{topic}.copy", count=200)) == 200


async def test_only_the_keys_that_are_named_are_replayed_and_each_in_order(
    stack: SharedStack, tmp_path: Path
) -> None:
    topic = await new_topic(stack)
    await put(stack, topic, histories(12, 10))
    state = tmp_path / "replay.json"
    keys = ("--key", "referrals/3", "--key", "referrals/11", "--key", "referrals/1")
    order = ("replay", topic, "--to-suffix", ".keys", *keys, "--state", str(state))
    code, _, said = await events(stack, *order)
    assert code == 0, said
    assert "120 records are read, 30 of them are sent" in said
    code, _, said = await events(stack, *order, "--execute")
    assert code == 0, said
    copies = await records_of(stack, f"{topic}.keys", count=30)
    assert by_key(copies) == {f"referrals/{number}": list(range(1, 11)) for number in (1, 3, 11)}


async def test_a_replay_that_was_cut_goes_on_without_loss_or_repetition(
    stack: SharedStack, tmp_path: Path
) -> None:
    topic = await new_topic(stack)
    await put(stack, topic, histories(40, 50))
    state = tmp_path / "replay.json"
    order = ("replay", topic, "--to-suffix", ".copy", "--rate", "500", "--state", str(state), "--execute")
    again = ("replay", "--resume", str(state), "--execute")
    for arguments, ending, code in (
        (order, signal.SIGKILL, -signal.SIGKILL),
        (again, signal.SIGINT, 130),
    ):
        before = sent_so_far(state)
        async with started(stack, *arguments) as process:
            await until(lambda before=before: sent_so_far(state) >= before + 400)  # type: ignore[misc]
            process.send_signal(ending)
            _, said = await process.communicate()
        assert process.returncode == code
        assert (b"--resume" in said) is (ending is signal.SIGINT)
        assert sent_so_far(state) < 2000
    done, _, told = await events(stack, *again, "--rate", "100000")
    assert done == 0, told
    copies = await records_of(stack, f"{topic}.copy", count=2000)
    assert len(copies) == 2000
    assert by_key(copies) == {f"referrals/{number}": list(range(1, 51)) for number in range(40)}
    assert sent_so_far(state) == 2000


async def test_one_aggregate_a_range_or_so_many(stack: SharedStack, tmp_path: Path) -> None:
    topic = await new_topic(stack)
    await put(stack, topic, histories(10, 5))
    for number, (choice, expected) in enumerate(
        (
            (("--aggregate", "referrals/3"), {"referrals/3": [1, 2, 3, 4, 5]}),
            (
                ("--from", "2026-03-01T08:00:50Z"),
                {f"referrals/{each}": [5] for each in range(10)},
            ),
            (("--max", "20"), {f"referrals/{each}": [1, 2] for each in range(10)}),
        )
    ):
        target = f"{topic}.{number}"
        state = ("--state", str(tmp_path / f"{number}.json"))
        code, _, said = await events(
            stack, "replay", topic, "--to-topic", target, *choice, *state, "--execute"
        )
        assert code == 0, said
        count = sum(map(len, expected.values()))
        assert by_key(await records_of(stack, target, count=count)) == expected


async def test_a_loop_is_refused(stack: SharedStack, tmp_path: Path) -> None:
    topic = await new_topic(stack, partitions=1)
    await put(stack, topic, [Made(aggregate="referrals/1", version=1)])
    names = [topic, f"{topic}.a", f"{topic}.b", f"{topic}.c"]
    for number, (source, target) in enumerate(pairwise(names)):
        state = ("--state", str(tmp_path / f"{number}.json"))
        order = ("replay", source, "--to-topic", target, "--replays-max", "2", *state, "--execute")
        code, _, said = await events(stack, *order)
        assert (code, "loop" in said) == ((0, False) if number < 2 else (2, True)), said
    assert replays(await records_of(stack, names[2], count=1)) == {b"2"}
    for target in (topic, "tierlink.referral.events.v1", "tierlink.notification.events.v1"):
        code, _, said = await events(stack, "replay", topic, "--to-topic", target, "--yes-live", "--execute")
        assert code == 2, said
    code, _, said = await events(stack, "replay", topic, "--execute")
    assert (code, "--to-topic" in said) == (2, True)
