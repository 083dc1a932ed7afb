"""What a replay has done, in a file from which it goes on after whatever ended it."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from aiokafka import TopicPartition

from services.operator.events.selection import Selection
from services.operator.replay.pacing import Pace
from services.operator.replay.refusals import ReplayRefused

_FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A Kafka cluster: where it was, and which one it is."""

    bootstrap: str
    #: Kafka's own id, whatever name it is reached by
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Offsets of one partition, `end` exclusive."""

    topic: str
    partition: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A position in one partition."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """What is replayed from where to where: the same however often it is taken up."""

    #: id; every record that is sent carries it
    replay: str
    source: Cluster
    target: Cluster
    #: target by source topic
    topics: dict[str, str]
    selection: Selection
    #: what is read
    stretches: tuple[Stretch, ...]
    #: records to be sent
    count: int
    pace: Pace

    def bounds(self) -> dict[TopicPartition, range]:
        """The offsets to be read, by partition."""
        return {
            TopicPartition(each.topic, each.partition): range(each.start, each.end) for each in self.stretches
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayState:
    """An assignment and how far it has come."""

    assignment: Assignment
    #: of the source: everything before was acknowledged, or was not selected
    done: tuple[Place, ...] = ()
    #: of the target, at the same moment: whatever else was sent stands at or after
    sent_before: tuple[Place, ...] = ()
    #: records acknowledged
    sent: int = 0
    is_complete: bool = False
    format: int = _FORMAT

    def left(self) -> dict[TopicPartition, range]:
        """The offsets still to be read, by partition."""
        done = places(self.done)
        return {
            each: range(max(offsets.start, done.get(each, 0)), offsets.stop)
            for each, offsets in self.assignment.bounds().items()
        }

    def moved(
        self, *, done: Mapping[TopicPartition, int], sent_before: Mapping[TopicPartition, int], sent: int
    ) -> "ReplayState":
        """The state after more was acknowledged."""
        return replace(self, done=_listed(done), sent_before=_listed(sent_before), sent=sent)


def places(found: tuple[Place, ...]) -> dict[TopicPartition, int]:
    """Offsets by partition."""
    return {TopicPartition(each.topic, each.partition): each.offset for each in found}


def _listed(offsets: Mapping[TopicPartition, int]) -> tuple[Place, ...]:
    return tuple(
        Place(topic=each.topic, partition=each.partition, offset=offset)
        for each, offset in sorted(offsets.items())
    )


def save_state(path: Path, state: ReplayState) -> None:
    """Writes the file as a whole or not at all, also when the power fails or the disk is full.

    Raises OSError, with the path of the file.
    """
    try:
        _replace(path, msgspec.json.format(msgspec.json.encode(state), indent=1))
    except OSError as error:
        # A write that fails does not say of which file.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_state(path: Path) -> ReplayState:
    """Raises ReplayRefused for a file that is none of ours, OSError."""
    try:
        state = msgspec.json.decode(path.read_bytes(), type=ReplayState)
    except msgspec.DecodeError as error:
        raise ReplayRefused("replay.no_state", path=path, error=error) from error
    if state.format != _FORMAT:
        raise ReplayRefused("replay.no_state", path=path, error=f"format {state.format}")
    return state


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps the file for this process: two that took up one replay would send everything twice.

    Raises ReplayRefused when another process has it, OSError.
    """
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReplayRefused("replay.state_in_use", path=path) from error
        yield
    finally:
        os.close(lock)
