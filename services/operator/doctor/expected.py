"""The topics and consumer groups that a whole platform has."""

from collections.abc import Mapping

from services.operator.events.topics import EVENT_TOPICS
from services.shared.kafka.topics import Cleanup, TopicSpec
from services.shared.rpc.channels import SERVICES

_DIRECTORY = "tierlink.directory.v1"
_AVAILABILITY = "tierlink.bed.availability.v1"


def dead_letter_topic(service: str) -> str:
    """Where a service publishes what it could not handle."""
    return f"tierlink.{service}.dlq.v1"


def expected_topics(replicas: int) -> tuple[TopicSpec, ...]:
    """As the services make them, with so many copies; a test holds that their own lists say the same."""
    return (
        *(TopicSpec(name=topic.name, replicas=replicas) for topic in EVENT_TOPICS),
        TopicSpec(name=_DIRECTORY, partitions=1, cleanup=Cleanup.COMPACT, replicas=replicas),
        TopicSpec(name=_AVAILABILITY, cleanup=Cleanup.COMPACT, replicas=replicas),
        *(TopicSpec(name=dead_letter_topic(service), replicas=replicas) for service in SERVICES),
    )


def _events(*names: str) -> tuple[str, ...]:
    return tuple(f"tierlink.{name}.events.v1" for name in names)


#: The worker that computes availability, by what its groups' names begin with: one whose table is gone begins
#: another, with a number. A site that never ran one has none.
GENERATIONS: Mapping[str, tuple[str, ...]] = {
    "tierlink-bed-availability": (*_events("bed"), "tierlink.bed.counts.v1"),
}
#: What each group reads; a test holds that the services' own consumers say the same.
EXPECTED_GROUPS: Mapping[str, tuple[str, ...]] = {
    "tierlink-referral": _events("bed"),
    "tierlink-bed": (*_events("referral"), _DIRECTORY),
    "tierlink-notification": (*_events("referral", "consultation", "standing", "bed"), _DIRECTORY),
}
