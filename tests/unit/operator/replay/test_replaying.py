"""What a replay decides before it sends anything: pace, marks, targets, what is left."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from services.bed import main as bed_main
from services.notification import main as notification_main
from services.operator.events.selection import Selection
from services.operator.events.topics import known_topics, topics_named
from services.operator.replay.continuity import Continuity
from services.operator.replay.marks import Mark, mark_of, marked, replays_of, unmarked
from services.operator.replay.pacing import BadSpeed, Pace, Pacer, read_speed
from services.operator.replay.refusals import ReplayRefused
from services.operator.replay.state_file import (
    Assignment,
    Cluster,
    ReplayState,
    Stretch,
    held,
    load_state,
    save_state,
)
from services.operator.replay.target import is_live, refuse_harmful, target_names
from services.operator.texts import Language
from services.referral import main as referral_main
from tests.unit.operator.replay.records import NOW, TOPIC, record

COPY = f"{TOPIC.name}.replay"


class Clock:
    """A clock that moves by what is slept."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def send_times(pace: Pace, offsets_s: list[float], *, work_s: float = 0.0) -> list[float]:
    """When each record goes, seconds after the first; each takes `work_s` to send."""
    clock = Clock()
    pacer = Pacer(pace, clock=clock, sleep=clock.sleep)

    async def send() -> list[float]:
        times = []
        for offset_s in offsets_s:
            await pacer.wait(NOW + timedelta(seconds=offset_s))
            times.append(clock.now_s - 100.0)
            pacer.taken()
            clock.now_s += work_s
        return times

    return asyncio.run(send())


def test_the_original_distances_are_divided() -> None:
    assert send_times(Pace(speed=10), [0, 10, 10, 60]) == [0, 1, 1, 6]
    assert send_times(Pace(speed=0.5), [0, 10]) == [0, 20]


def test_so_many_records_a_second() -> None:
    assert send_times(Pace(rate=4), [0, 0, 900, 900]) == [0, 0.25, 0.5, 0.75]


def test_of_both_the_slower_one_counts() -> None:
    assert send_times(Pace(speed=10, rate=1), [0, 1, 2, 100]) == [0, 1, 2, 10]


def test_without_a_pace_nothing_waits_and_what_is_late_goes_at_once() -> None:
    assert send_times(Pace(), [0, 500, 100]) == [0, 0, 0]
    assert send_times(Pace(speed=1), [0, 1, 2, 10], work_s=3) == [0, 3, 6, 10]
    assert send_times(Pace(speed=1), [5, 0, 6]) == [0, 0, 1]


def test_how_long_it_takes() -> None:
    assert Pace(speed=10).takes_s(7, timedelta(hours=1)) == 360
    assert Pace(rate=5).takes_s(100, timedelta(hours=1)) == 20
    assert Pace(speed=10, rate=0.1).takes_s(100, timedelta(hours=1)) == 1000
    assert Pace().takes_s(100, timedelta(hours=1)) is None


def test_speeds() -> None:
    assert [read_speed(text) for text in ("10x", "0.5x", "3")] == [10, 0.5, 3]
    for text in ("0x", "-1x", "fast", "x", ""):
        with pytest.raises(BadSpeed):
            read_speed(text)


def test_a_replay_is_counted_and_says_where_a_record_came_from() -> None:
    first = record(partition=3, offset=17, extra=(("x", b"kept"),))
    headers = marked(first, "r1")
    assert replays_of(first.headers) == 0
    assert replays_of(headers) == 1
    assert mark_of(headers) == Mark(replay="r1", topic=TOPIC.name, partition=3, offset=17)
    assert unmarked(headers) == list(first.headers)
    again = marked(record(partition=1, offset=2, headers=headers), "r2")
    assert replays_of(again) == 2
    assert mark_of(again) == Mark(replay="r2", topic=TOPIC.name, partition=1, offset=2)
    assert unmarked(again) == list(first.headers)


@pytest.mark.parametrize("value", [b"", b"r t x 1", b"r t 1", b"r t 1 2 3", b"\xff"])
def test_what_no_replay_wrote_is_no_mark(value: bytes) -> None:
    assert mark_of([("tierlink_replay", value)]) is None
    assert replays_of([("tierlink_replays", b"many")]) == 0


def test_each_topic_has_its_own_target() -> None:
    assert target_names(["a", "b"], topic="", suffix=".x") == {"a": "a.x", "b": "b.x"}
    assert target_names(["a"], topic="t", suffix="") == {"a": "t"}
    with pytest.raises(ReplayRefused, match="--to-suffix"):
        target_names(["a", "b"], topic="t", suffix="")
    with pytest.raises(ReplayRefused, match="not both"):
        target_names(["a"], topic="t", suffix=".x")


def refusal(names: dict[str, str], *, is_same_cluster: bool, yes_live: bool) -> str:
    try:
        refuse_harmful(names, is_same_cluster=is_same_cluster, yes_live=yes_live)
    except ReplayRefused as refused:
        return refused.shown(Language.EN)
    return ""


@pytest.mark.parametrize("yes_live", [False, True])
def test_on_the_same_cluster_a_loop_and_a_live_topic_are_always_refused(yes_live: bool) -> None:
    def on(names: dict[str, str]) -> str:
        return refusal(names, is_same_cluster=True, yes_live=yes_live)

    assert "onto itself" in on({COPY: COPY})
    assert "onto itself" in on({COPY: f"{COPY}.b", f"{COPY}.b": f"{COPY}.c"})
    assert "live services" in on({TOPIC.name: "tierlink.bed.events.v1"})
    assert "live services" in on({COPY: TOPIC.name})
    assert on({TOPIC.name: COPY}) == ""


def test_on_another_cluster_a_live_topic_needs_a_yes() -> None:
    names = {TOPIC.name: TOPIC.name}
    assert "--yes-live" in refusal(names, is_same_cluster=False, yes_live=False)
    assert refusal(names, is_same_cluster=False, yes_live=True) == ""
    assert refusal({COPY: COPY}, is_same_cluster=False, yes_live=False) == ""


def test_every_topic_of_a_service_is_live() -> None:
    declared = {
        topic.name
        for module in (referral_main, bed_main, notification_main)
        for found in vars(module).values()
        if isinstance(found, tuple)
        for topic in found
        if hasattr(topic, "name") and hasattr(topic, "partitions")
    }
    assert len(declared) >= 8
    assert all(map(is_live, declared | {topic.name for topic in known_topics().values()}))
    assert is_live("tierlink-availability-beds-changelog")
    assert not is_live(COPY)


def test_a_copy_is_read_like_its_original() -> None:
    (copy,) = topics_named((COPY,))
    assert (copy.name, copy.short, copy.values) == (COPY, TOPIC.short, TOPIC.values)


def test_what_does_not_follow_is_counted() -> None:
    continuity = Continuity()
    for version in (4, 5, 5, 7, 6):
        continuity.see(record(version=version))
    continuity.see(record("referrals/2", 9))
    continuity.see(record(headers=()))
    assert (continuity.gaps, continuity.repeats) == (1, 2)


def state() -> ReplayState:
    return ReplayState(
        assignment=Assignment(
            replay="r1",
            source=Cluster(bootstrap="a:9092", id="A"),
            target=Cluster(bootstrap="b:9092", id="B"),
            topics={TOPIC.name: COPY},
            selection=Selection(aggregates=frozenset({"referrals/1"}), since=NOW),
            stretches=(
                Stretch(topic=TOPIC.name, partition=0, start=5, end=50),
                Stretch(topic=TOPIC.name, partition=1, start=0, end=9),
            ),
            count=20,
            pace=Pace(speed=10),
        )
    )


def test_what_is_left_begins_where_the_last_acknowledgement_was(tmp_path: Path) -> None:
    first, second = TopicPartition(TOPIC.name, 0), TopicPartition(TOPIC.name, 1)
    begun = state()
    assert begun.left() == {first: range(5, 50), second: range(9)}
    moved = begun.moved(done={first: 30, second: 9}, sent_before={TopicPartition(COPY, 0): 7}, sent=12)
    path = tmp_path / "replay.json"
    save_state(path, begun)
    save_state(path, moved)
    read = load_state(path)
    assert read == moved
    assert {each: len(offsets) for each, offsets in read.left().items()} == {first: 20, second: 0}
    assert [each.name for each in tmp_path.iterdir()] == ["replay.json"]


def test_a_state_that_could_not_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "replay.json"
    save_state(path, state())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_state(path, state().moved(done={}, sent_before={}, sent=9))
    assert load_state(path) == state()


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 2}'])
def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "replay.json"
    path.write_bytes(content)
    with pytest.raises(ReplayRefused):
        load_state(path)


def test_one_process_alone_takes_up_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "replay.json"
    with held(path), pytest.raises(ReplayRefused, match="another process"), held(path):
        pass
    with held(path):
        pass
