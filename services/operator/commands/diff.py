"""`tierlink events diff`: what differs between two streams, or between a store and its topic."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from services.operator.commands.causes import kafka_cause
from services.operator.commands.event_options import (
    AggregateOption,
    KafkaOption,
    SinceOption,
    ToKafkaOption,
    TopicsArgument,
    ToSuffixOption,
    ToTopicOption,
    UntilOption,
    chosen_topics,
    kafka_address,
    moment_of,
    selection_of,
)
from services.operator.commands.exits import give_up
from services.operator.commands.options import (
    BedOption,
    KeyOption,
    LanguageOption,
    NotificationOption,
    Output,
    OutputOption,
    ReferralOption,
    TokenOption,
    addresses_of,
    operator_token,
)
from services.operator.commands.projection_asking import asked, compared, print_comparison
from services.operator.diff import fingerprints
from services.operator.diff.report import Comparison
from services.operator.diff.sides import STORED_BY, read_store, read_topic
from services.operator.events.selection import Selection
from services.operator.events.topics import Topic
from services.operator.replay.clusters import see_cluster
from services.operator.replay.refusals import ReplayRefused
from services.operator.replay.target import target_names
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown
from services.shared.rpc.channels import Addresses, open_channels

#: What was stored within this time may still be on its way through the outbox; unless `--to` says otherwise.
_ON_ITS_WAY = timedelta(seconds=10)
_EXPECTED = (CallFailed, DependencyDown, KafkaError, OSError)


@dataclass(frozen=True, kw_only=True)
class _Streams:
    """Topics here, and what they are compared with there."""

    kafka: KafkaAddress
    topics: tuple[Topic, ...]
    selection: Selection
    comparison: Comparison


def diff(
    topics: TopicsArgument = None,
    *,
    to_topic: ToTopicOption = "",
    to_suffix: ToSuffixOption = "",
    to_kafka: ToKafkaOption = "",
    store: Annotated[
        bool, typer.Option("--store", help="与服务的存储比较 · against the services' stores")
    ] = False,
    projection: Annotated[
        str,
        typer.Option("--projection", help="重建的读模型与在用的 · a read model and its new one"),
    ] = "",
    aggregate: AggregateOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    shown_max: Annotated[int, typer.Option("--max", min=0, help="至多列出 · differences listed")] = 100,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    kafka: KafkaOption = "",
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """比较两个事件流、存储与主题，或两份读模型 · Compares streams, stores with topics, or two read models.

    0 一致 · same；1 不一致 · different；2 无法比较 · impossible.
    """
    if [store, bool(projection), bool(to_topic or to_suffix or to_kafka)].count(True) != 1:
        give_up(say("diff.with_what", lang))
    if projection:
        if topics or aggregate or since or until:
            give_up(say("diff.projection_alone", lang))
        print_comparison(
            asked(
                addresses_of(referral, bed, notification),
                operator_token(token, key),
                lambda models: compared(models, projection, shown_max),
                lang,
            ),
            output,
            lang,
        )
        return
    streams = _Streams(
        kafka=kafka_address(kafka),
        topics=chosen_topics(topics),
        selection=selection_of(aggregate, None, None, None, since=moment_of(since), until=moment_of(until)),
        comparison=Comparison(shown_max=shown_max),
    )
    try:
        if store:
            addresses = addresses_of(referral, bed, notification)
            asyncio.run(_with_stores(streams, addresses, operator_token(token, key), lang))
        else:
            names = target_names([each.name for each in streams.topics], topic=to_topic, suffix=to_suffix)
            there = kafka_address(to_kafka) if to_kafka else streams.kafka
            asyncio.run(_with_topics(streams, there, names, skip_missing=not topics))
    except ReplayRefused as refused:
        give_up(refused.shown(lang))
    except _EXPECTED as error:
        give_up(kafka_cause(error, streams.kafka, lang))
    print_comparison(streams.comparison, output, lang)


async def _with_topics(
    streams: _Streams, there: KafkaAddress, names: Mapping[str, str], *, skip_missing: bool
) -> None:
    present = (await see_cluster(streams.kafka)).topics if skip_missing else frozenset(names)
    for topic in streams.topics:
        if topic.name not in present:
            continue
        other = replace(topic, name=names[topic.name])
        first = await read_topic(streams.kafka, topic, streams.selection, fingerprints.of_record)
        second = await read_topic(there, other, streams.selection, fingerprints.of_record)
        streams.comparison.add(
            topic.name,
            (f"{topic.name} @ {streams.kafka.bootstrap}", first),
            (f"{other.name} @ {there.bootstrap}", second),
        )


async def _with_stores(streams: _Streams, addresses: Addresses, token: str, language: Language) -> None:
    unstored = [topic.short for topic in streams.topics if topic.short not in STORED_BY]
    if unstored:
        give_up(say("diff.no_store", language, topics=", ".join(unstored)))
    until = streams.selection.until or datetime.now(UTC) - _ON_ITS_WAY
    selection = replace(streams.selection, until=until)
    async with open_channels(addresses) as channels:
        for topic in streams.topics:
            stored = await read_store(Caller(channels), token, topic, selection)
            published = await read_topic(streams.kafka, topic, selection, fingerprints.of_published)
            streams.comparison.add(
                topic.name,
                (f"{STORED_BY[topic.short]} @ {addresses.of(STORED_BY[topic.short])}", stored),
                (f"{topic.name} @ {streams.kafka.bootstrap}", published),
            )
