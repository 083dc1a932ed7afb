"""Options that the commands on streams of events share, and what they stand for."""

import logging
from datetime import datetime
from typing import Annotated

import typer

from services.operator.commands.exits import give_up
from services.operator.events.moments import BadMoment, read_moment
from services.operator.events.selection import Selection
from services.operator.events.topics import Topic, UnknownTopic, topics_named
from services.operator.texts import Language, say
from services.shared.kafka.address import KafkaAddress
from services.shared.lifecycle.settings import ServiceSettings

TopicsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="referral episode consultation standing bed notification directory availability"),
]
KafkaOption = Annotated[
    str,
    typer.Option(
        "--kafka", envvar="TIERLINK_KAFKA_BOOTSTRAP", help="Kafka 地址 host:port · address of Kafka"
    ),
]
AggregateOption = Annotated[
    list[str] | None, typer.Option("--aggregate", help="如 referrals/… · such as referrals/…")
]
#: As Kafka's own tools call it; other commands have a signing key of that name.
KeyedOption = Annotated[
    list[str] | None,
    typer.Option("--aggregate", "--key", help="即记录的键，如 referrals/… · the record's key"),
]
EpisodeOption = Annotated[list[str] | None, typer.Option("--episode", help="诊疗过程 · episodes/…")]
TypeOption = Annotated[list[str] | None, typer.Option("--type", help="如 ReferralAccepted · type of event")]
FacilityOption = Annotated[list[str] | None, typer.Option("--facility", help="机构 · facility id")]
PartitionOption = Annotated[int | None, typer.Option("--partition", min=0, help="分区 · partition")]
SinceOption = Annotated[
    str, typer.Option("--from", help="起：时刻、15m 前、3d 前 · a time, or 15m, 2h, 3d ago")
]
UntilOption = Annotated[str, typer.Option("--to", help="止（不含）· until, exclusive")]
OffsetOption = Annotated[int | None, typer.Option("--offset", min=0, help="起始位点 · from")]
OffsetToOption = Annotated[int | None, typer.Option("--offset-to", min=0, help="止（不含）· to")]
ToTopicOption = Annotated[str, typer.Option("--to-topic", help="目标主题 · the other topic")]
ToSuffixOption = Annotated[
    str, typer.Option("--to-suffix", help="目标主题名后缀，如 .replay · what the others' names end with")
]
ToKafkaOption = Annotated[
    str, typer.Option("--to-kafka", help="另一集群 host:port · address of the other cluster")
]


def chosen_topics(names: list[str] | None) -> tuple[Topic, ...]:
    """The topics of these names, all topics of events for none. Gives up on an unknown one."""
    try:
        return topics_named(tuple(names or ()))
    except UnknownTopic as error:
        give_up(str(error))


def kafka_address(bootstrap: str) -> KafkaAddress:
    """With TLS and user as the services' settings name them. Gives up without one, or without its files."""
    if not bootstrap:
        give_up(say("error.no_kafka", Language.BOTH))
    # Its client says the same of a broker that is away many times a second; what comes of it is told once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return ServiceSettings(kafka_bootstrap=bootstrap).kafka()
    except OSError as error:
        give_up(str(error))


def selection_of(
    aggregate: list[str] | None,
    episode: list[str] | None,
    type_: list[str] | None,
    facility: list[str] | None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Selection:
    """Filters from what was typed."""
    return Selection(
        aggregates=frozenset(aggregate or ()),
        episodes=frozenset(episode or ()),
        types=frozenset(type_ or ()),
        facilities=frozenset(facility or ()),
        since=since,
        until=until,
    )


def moment_of(text: str) -> datetime | None:
    """None for an empty text. Gives up on one that is no moment."""
    try:
        return read_moment(text, now=datetime.now().astimezone()) if text else None
    except BadMoment as error:
        give_up(str(error))
