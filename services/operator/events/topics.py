"""The platform's topics and what stands in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from google.protobuf.message import Message

from tierlink.bed.v1 import bed_events_pb2, bed_pb2
from tierlink.notification.v1 import alert_events_pb2
from tierlink.referral.v1 import (
    consultation_events_pb2,
    directory_pb2,
    episode_events_pb2,
    referral_events_pb2,
    standing_events_pb2,
)

_EVENTS = "tierlink.{name}.events.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic: how people call it, and its values."""

    #: such as `referral`
    short: str
    #: such as `tierlink.referral.events.v1`
    name: str
    #: by the record's type; under the empty name, of every other type
    values: Mapping[str, type[Message]] = field(hash=False)

    def value_of(self, type_: str) -> type[Message] | None:
        """The message that a record of this type carries; None when this version does not know it."""
        return self.values.get(type_) or self.values.get("")


def _events(short: str, value: type[Message]) -> Topic:
    return Topic(short=short, name=_EVENTS.format(name=short), values={"": value})


#: The topics of events, which keep an order by aggregate and version.
EVENT_TOPICS: tuple[Topic, ...] = (
    _events("referral", referral_events_pb2.ReferralEvent),
    _events("episode", episode_events_pb2.EpisodeEvent),
    _events("consultation", consultation_events_pb2.ConsultationEvent),
    _events("standing", standing_events_pb2.StandingEvent),
    _events("bed", bed_events_pb2.BedEvent),
    _events("notification", alert_events_pb2.AlertEvent),
)
#: Read on request only: they repeat what is in force.
OTHER_TOPICS: tuple[Topic, ...] = (
    Topic(
        short="directory",
        name="tierlink.directory.v1",
        values={"Facility": directory_pb2.Facility, "Community": directory_pb2.Community},
    ),
    Topic(short="availability", name="tierlink.bed.availability.v1", values={"": bed_pb2.Availability}),
)


class UnknownTopic(ValueError):
    """Nobody knows a topic of that name."""


def known_topics() -> Mapping[str, Topic]:
    """Every topic by its short and by its whole name."""
    topics = (*EVENT_TOPICS, *OTHER_TOPICS)
    return {name: topic for topic in topics for name in (topic.short, topic.name)}


def topic_named(name: str) -> Topic | None:
    """The topic of a short or whole name; of a copy too, such as `….v1.replay`."""
    known = known_topics()
    if name in known:
        return known[name]
    original, _, _ = name.partition(".v1.")
    copied = known.get(f"{original}.v1")
    return replace(copied, name=name) if copied is not None and name != f"{original}.v1" else None


def topics_named(names: tuple[str, ...]) -> tuple[Topic, ...]:
    """The topics of these names, each once; all topics of events for none. Raises UnknownTopic."""
    if not names:
        return EVENT_TOPICS
    found = {name: topic_named(name) for name in names}
    unknown = [name for name, topic in found.items() if topic is None]
    if unknown:
        shorts = ", ".join(topic.short for topic in (*EVENT_TOPICS, *OTHER_TOPICS))
        raise UnknownTopic(f"{', '.join(unknown)} (known: {shorts})")
    return tuple(dict.fromkeys(topic for topic in found.values() if topic is not None))
