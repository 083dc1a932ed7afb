"""Reads the topics for a page, without a group: nobody's place in a topic moves, and nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.operator.events.source import Reach, open_source
from services.operator.events.topics import EVENT_TOPICS, topics_named
from services.operator.replay_page.decoding import Clock, read_happening
from services.operator.replay_page.folding import Choice, Fold
from services.operator.replay_page.story import Place, Story
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown
from services.shared.kernel.text import BilingualText


@dataclass(slots=True)
class _Directory:
    """Facilities and communities as they stand in the topic at last."""

    places: dict[str, Place]
    communities: dict[str, BilingualText]


async def gather(kafka: KafkaAddress, choice: Choice, clock: Clock, on_read: Callable[[int], None]) -> Story:
    """The story of what was chosen. `on_read` is told how many events were read so far.

    What holds when the page begins follows from all that came before, so the topics are read from their
    beginnings. Raises NothingHappened, DependencyDown when Kafka is not there or has no events.
    """
    directory = await _directory(kafka)
    fold, count, unread = Fold(choice), 0, 0
    async with open_source(kafka, EVENT_TOPICS, skip_missing=True) as source:
        await source.seek(Reach())
        async for page in source.merged():
            for record in page:
                happening = read_happening(record, clock)
                if happening is None:
                    unread += not record.is_tombstone
                else:
                    fold.take(happening)
            count += len(page)
            on_read(count)
    return fold.story(directory.places, directory.communities, unread=unread)


async def _directory(kafka: KafkaAddress) -> _Directory:
    """Empty where there is no such topic: facilities are then called by their ids."""
    found = _Directory(places={}, communities={})
    try:
        async with open_source(kafka, topics_named(("directory",))) as source:
            await source.seek(Reach())
            async for page in source.read():
                for record in page:
                    _apply(found, record.aggregate, record.type, record.message)
    except DependencyDown:
        return found
    return found


def _apply(found: _Directory, key: str, type_: str, message: Any) -> None:
    if message is None:
        found.places.pop(key, None)
    elif type_ == "Facility":
        found.places[key] = _place(message)
    elif type_ == "Community":
        found.communities[message.id] = BilingualText(zh=message.name.zh, en=message.name.en)


def _place(message: Any) -> Place:
    return Place(
        id=message.id,
        name=BilingualText(zh=message.name.zh, en=message.name.en),
        tier=int(message.level),
        community=message.community,
        travel_minutes=dict(message.travel_minutes),
    )
