"""From what is asked for to what would be done. Nothing is written here."""

from dataclasses import dataclass

from services.operator.events.selection import Selection
from services.operator.events.source import Reach, TopicSource
from services.operator.replay.clusters import SeenCluster
from services.operator.replay.pacing import Pace
from services.operator.replay.refusals import ReplayRefused
from services.operator.replay.state_file import Assignment, Stretch
from services.operator.replay.survey import Survey, survey
from services.operator.replay.target import refuse_harmful, target_names


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What an operator asks for."""

    to_topic: str
    to_suffix: str
    selection: Selection
    reach: Reach
    count_max: int | None
    pace: Pace
    #: a record that was replayed so often is not replayed again
    replays_max: int
    yes_live: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What would be done."""

    assignment: Assignment
    survey: Survey
    #: partitions of each target topic that has to be made
    to_make: dict[str, int]


async def make_plan(
    wish: Wish, *, replay: str, source: TopicSource, here: SeenCluster, there: SeenCluster
) -> Plan:
    """Reads the source once. Raises ReplayRefused for what would do harm, KafkaError.

    `replay` is the new replay's id.
    """
    names = target_names(source.topics, topic=wish.to_topic, suffix=wish.to_suffix)
    refuse_harmful(names, is_same_cluster=here.cluster.id == there.cluster.id, yes_live=wish.yes_live)
    await source.seek(wish.reach)
    found = await survey(source, wish.selection, count_max=wish.count_max, replays_max=wish.replays_max)
    if found.exhausted:
        raise ReplayRefused("replay.too_often", count=found.exhausted, replays=wish.replays_max)
    assignment = Assignment(
        replay=replay,
        source=here.cluster,
        target=there.cluster,
        topics=dict(names),
        selection=wish.selection,
        stretches=tuple(
            Stretch(topic=each.topic, partition=each.partition, start=offsets.start, end=offsets.stop)
            for each, offsets in sorted(found.bounds.items())
        ),
        count=found.count,
        pace=wish.pace,
    )
    to_make = {
        target: source.partitions(name) for name, target in names.items() if target not in there.topics
    }
    return Plan(assignment=assignment, survey=found, to_make=to_make)


def refuse_other_clusters(assignment: Assignment, *, here: SeenCluster, there: SeenCluster) -> None:
    """Raises ReplayRefused when what is taken up again would lead to other clusters than it began with."""
    for begun, now in ((assignment.source, here.cluster), (assignment.target, there.cluster)):
        if begun.id != now.id:
            raise ReplayRefused("replay.other_cluster", bootstrap=now.bootstrap, now=now.id, begun=begun.id)
