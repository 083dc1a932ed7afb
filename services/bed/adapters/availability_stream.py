"""Availability by facility and bed type, computed from bed events by faust: a read model that can be rebuilt.

Two steps, because events are keyed by ward and sums by facility: each event's counts go on to a topic keyed
by facility, and there the last line of each ward is kept in a table, whose changelog is in Kafka. Counts are
absolute and lines have versions, so what faust gives twice (it promises at least once) changes nothing.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import faust
import orjson
import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from google.protobuf.message import DecodeError

from services.bed.adapters.aggregate_codecs import BED_TOPIC
from services.bed.adapters.availability_records import AVAILABILITY_TOPIC, line_of, record_of
from services.bed.adapters.availability_spans import AvailabilitySpans, carrying
from services.bed.domain.availability_fold import Lines, WardLine, keep, told
from services.bed.domain.availability_progress import Standstills
from services.bed.domain.values import BedType, WardCounts
from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.kafka.address import SASL_MECHANISM, KafkaAddress
from services.shared.kafka.topics import Cleanup, TopicSpec
from services.shared.telemetry.tracer import Tracer

_log = structlog.get_logger(__name__)

APP = "tierlink-bed-availability"
COUNTS_TOPIC = "tierlink.bed.counts.v1"
TABLE = "wards-of-facility"
PARTITIONS = 6
#: Offsets are committed this often: what comes again after a crash.
_COMMIT_EVERY_S = 1.0
#: How long a worker that was killed keeps its partitions: the least that Kafka's brokers allow.
SESSION_TIMEOUT_S = 6.0


#: How often it is looked at whether everything is done, and how long nothing may be without that being so.
_LOOK_EVERY_S = 2.0
_PATIENCE_S = 1.9


def changelog(app: str) -> str:
    """The topic that the table of an application is kept in."""
    return f"{app}-{TABLE}-changelog"


def topics(app: str) -> tuple[TopicSpec, ...]:
    """What a worker needs."""
    return (
        TopicSpec(name=BED_TOPIC),
        TopicSpec(name=AVAILABILITY_TOPIC, cleanup=Cleanup.COMPACT),
        # Between the two steps; a day is more than a worker may be behind before it is rebuilt.
        TopicSpec(name=COUNTS_TOPIC, retention_ms=86_400_000),
        TopicSpec(name=changelog(app), cleanup=Cleanup.COMPACT),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSettings:
    """What the worker needs to know."""

    kafka: KafkaAddress
    stale_after_s: float
    #: for faust's files; nothing that must be kept is in it
    folder: str
    #: names its group, and the table that goes with it
    app: str = APP
    #: None where the site records no traces
    tracer: Tracer | None = None


def _credentials(kafka: KafkaAddress) -> Any:
    """As `KafkaAddress.client_options` has it, in faust's words; None for plain text."""
    if kafka.user:
        return faust.SASLCredentials(
            username=kafka.user,
            password=kafka.password,
            ssl_context=kafka.ssl_context,
            mechanism=SASL_MECHANISM,
        )
    return None if kafka.ssl_context is None else faust.SSLCredentials(context=kafka.ssl_context)


def build_app(settings: StreamSettings) -> Any:
    """The faust application; its worker runs it."""
    app = faust.App(
        settings.app,
        broker=[f"aiokafka://{each.strip()}" for each in settings.kafka.bootstrap.split(",")],
        broker_credentials=_credentials(settings.kafka),
        store="memory://",
        datadir=settings.folder,
        web_enabled=False,
        topic_partitions=PARTITIONS,
        # Ours are made beforehand, with the settings that they need.
        topic_disable_leader=True,
        topic_allow_declare=True,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=_COMMIT_EVERY_S,
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=SESSION_TIMEOUT_S / 3,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        producer_acks=-1,
    )
    spans = AvailabilitySpans(settings.tracer, settings.app)
    counts = app.topic(COUNTS_TOPIC, key_type=bytes, value_type=bytes)
    published = app.topic(AVAILABILITY_TOPIC, key_type=bytes, value_type=bytes)
    table = app.Table(TABLE, default=bytes, partitions=PARTITIONS, key_type=bytes, value_type=bytes)

    @app.agent(app.topic(BED_TOPIC, key_type=bytes, value_type=bytes))
    async def counted(events: Any) -> None:
        async for event in events.events():
            try:
                line = line_of(event.value)
            except (DecodeError, ValueError) as error:
                # Others park and repair; a read model goes on, and is rebuilt when it was mended.
                _log.error("availability_record_unreadable", error=str(error))
                continue
            if line is None:
                continue
            with spans.handling(event) as traceparent:
                key, value = line.facility.encode(), _packed(line)
                await counts.send(key=key, value=value, headers=carrying(traceparent))

    again = _Again(app, settings.kafka)

    async def looked() -> None:
        await again.look()

    app.timer(_LOOK_EVERY_S)(looked)

    @app.agent(counts)
    async def summed(lines: Any) -> None:
        async for event in lines.events():
            facility, line = event.key, _unpacked(event.value)
            before = _read(table[facility])
            after = keep(before, line)
            if after is None:
                continue
            with spans.handling(event) as handled:
                table[facility] = _written(after)
                for each in told(before, after, line, DAY_CLOCK.now(), settings.stale_after_s):
                    with spans.sending(AVAILABILITY_TOPIC, handled) as sent:
                        record = record_of(each.found, version=each.version, traceparent=sent)
                        await published.send(key=record.key, value=record.value, headers=record.headers)

    return app


class _Again:
    """Has what the stream processor skipped given to it again: what Kafka says is done is compared with what
    there is, because it is its own account that is wrong."""

    def __init__(self, app: Any, kafka: KafkaAddress) -> None:
        self._app = app
        self._kafka = kafka
        self._standstills: Standstills[TopicPartition] = Standstills(_PATIENCE_S)

    async def look(self) -> None:
        app = self._app
        if app.rebalancing or app.in_recovery:
            return
        inputs = [tp for tp in app.consumer.assignment() if tp.topic in {BED_TOPIC, COUNTS_TOPIC}]
        try:
            done = await self._done()
            begins = await app.consumer.earliest_offsets(*inputs)
            ends = await app.consumer.highwaters(*inputs)
            # Of what is older than the topic keeps nothing is to be done any more.
            done = {tp: max(done.get(tp, 0), begin) for tp, begin in begins.items()}
            for partition, at in self._standstills.found(done, ends, time.monotonic()).items():
                _log.warning("availability_read_again", topic=partition.topic, partition=partition.partition)
                await app.consumer.seek_wait({partition: at})
        except (KafkaError, OSError) as error:
            _log.warning("availability_progress_unknown", error=repr(error))

    async def _done(self) -> dict[TopicPartition, int]:
        admin = AIOKafkaAdminClient(**self._kafka.client_options(f"{APP}-progress"))
        try:
            await admin.start()
            committed = await admin.list_consumer_group_offsets(self._app.conf.id)
        finally:
            await admin.close()
        return {tp: found.offset for tp, found in committed.items()}


def _packed(line: WardLine) -> bytes:
    counts = line.counts
    return orjson.dumps(
        {
            "ward": line.ward,
            "version": line.version,
            "facility": line.facility,
            "bed_type": line.bed_type.value,
            "counts": [
                counts.beds,
                counts.free,
                counts.held,
                counts.occupied,
                counts.cleaning,
                counts.blocked,
            ],
            "confirmed_at": None if line.confirmed_at is None else line.confirmed_at.isoformat(),
            "left_types": line.left_types,
        }
    )


def _unpacked(value: bytes) -> WardLine:
    return _line(orjson.loads(value))


def _line(content: dict[str, Any]) -> WardLine:
    beds, free, held, occupied, cleaning, blocked = content["counts"]
    confirmed_at = content["confirmed_at"]
    return WardLine(
        ward=content["ward"],
        version=content["version"],
        facility=content["facility"],
        bed_type=BedType(content["bed_type"]),
        counts=WardCounts(
            beds=beds, free=free, held=held, occupied=occupied, cleaning=cleaning, blocked=blocked
        ),
        confirmed_at=None if confirmed_at is None else datetime.fromisoformat(confirmed_at),
        # A table of before has none.
        left_types=content.get("left_types", {}),
    )


def _written(lines: Lines) -> bytes:
    """A facility's lines as the table keeps them."""
    return b"[" + b",".join(_packed(line) for line in lines.values()) + b"]"


def _read(value: bytes) -> Lines:
    lines = [_line(content) for content in orjson.loads(value or b"[]")]
    return {line.ward: line for line in lines}
