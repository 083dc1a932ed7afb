"""The program around a verification: `python -m services.<name>.refold`.

The database to fold into is in REFOLD_INTO_DSN: arguments can be read by everybody on the machine. With
`--trial` there is none: nothing is written and nothing compared. Speaks JSON lines on standard output, for
`tierlink projection verify-state` and `try-fold`, and with `--while-asked` ends when its standard input does.
Exit codes: 0 the same (all was folded), 1 not the same (not all was), 2 impossible.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiokafka.errors import KafkaError

from services.shared.database.pool import Database
from services.shared.kafka.consumer import READ_UP
from services.shared.kernel.refusals import DependencyDown, DiskFull
from services.shared.lifecycle.collector import spare_what_stays, uncollected
from services.shared.refolding.replica import InUse, NotEmpty, alone
from services.shared.refolding.rounds import OtherFold
from services.shared.refolding.subject import Subject
from services.shared.refolding.topic_source import RecordsGone, Share, open_topics
from services.shared.refolding.trial import Trial
from services.shared.refolding.verification import Amount, Source, Verification
from services.shared.telemetry.logging import LogSettings, configure_logging

#: DSN of an empty database, or of one that this program has begun.
_INTO = "REFOLD_INTO_DSN"
_TELL_EVERY_S = 0.5
_CONNECTIONS_MAX = 4
#: A page of large aggregates takes longer than an ordinary statement may.
_TIMEOUT_S = 20.0
#: PostgreSQL would notice at the end of a statement only that this program was killed.
_SESSION = {"client_connection_check_interval": "1s"}
#: What ends a run, by the code that the operator's words go by.
_IMPOSSIBLE: dict[type[Exception], str] = {
    DiskFull: "DISK_FULL",
    InUse: "IN_USE",
    NotEmpty: "NOT_EMPTY",
    OtherFold: "OTHER_FOLD",
    RecordsGone: "RECORDS_GONE",
}


@dataclass(frozen=True, kw_only=True)
class _Wish:
    #: empty for a trial
    into: str
    #: what a trial reads, of which partitions
    topics: tuple[str, ...]
    share: Share
    source: Source
    shown_max: int
    while_asked: bool


def run_refolding(subject: Subject, arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    configure_logging(LogSettings(service=f"{subject.service}-refold", level="WARNING"))
    wish = _read(arguments)
    spare_what_stays()
    if wish.while_asked:
        threading.Thread(target=_end_with_who_asked, name="while-asked", daemon=True).start()
    try:
        run = _run(subject, wish) if wish.into else _try(subject, wish)
        is_right = asyncio.run(run)
    except (*_IMPOSSIBLE, DependencyDown, KafkaError, OSError) as error:
        _say("impossible", why=_why(error), reason=str(error) or repr(error))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if is_right else 1


def _why(error: Exception) -> str:
    found = _IMPOSSIBLE.get(type(error))
    if found is not None:
        return found
    is_kafka = isinstance(error, KafkaError) or getattr(error, "dependency", "") == "kafka"
    return "KAFKA_AWAY" if is_kafka else "POSTGRESQL_AWAY"


def _read(arguments: Sequence[str]) -> _Wish:
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", choices=[each.value for each in Source], default=Source.KAFKA.value)
    parser.add_argument("--max", type=int, default=100, help="differences that are shown")
    parser.add_argument("--while-asked", action="store_true", help="end when standard input ends")
    parser.add_argument("--trial", action="store_true", help="fold in memory, compare nothing")
    parser.add_argument("--topic", action="append", default=[], help="with --trial, instead of its own")
    parser.add_argument("--share", default="0/1", help="with --trial: partitions N, N + M, … as N/M")
    given = parser.parse_args(list(arguments))
    into = "" if given.trial else os.environ.get(_INTO, "")
    if not into and not given.trial:
        parser.error(f"{_INTO}?")
    number, _, of = given.share.partition("/")
    return _Wish(
        into=into,
        topics=tuple(given.topic),
        share=Share(number=int(number), of=int(of)),
        source=Source(given.source),
        shown_max=given.max,
        while_asked=given.while_asked,
    )


def _end_with_who_asked() -> None:
    """Whoever asked was killed: the next one who asks must find the new database free, and no load."""
    # Not sys.stdin, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _try(subject: Subject, wish: _Wish) -> bool:
    trial = Trial(subject)
    topics = wish.topics or subject.topics
    async with open_topics(subject.kafka, topics, bounds=READ_UP, share=wish.share) as source:
        progress = _Progress(Amount(events=await source.left({}), folded=0))
        begun_s = time.monotonic()
        # What is read is kept, and makes no cycles.
        with uncollected():
            await trial.of_topics(source, progress.read)
        ended_s = time.monotonic()
    progress.tell()
    _say(
        "verdict",
        same=not trial.faults.count,
        read=progress.count,
        events=trial.folded,
        aggregates=trial.aggregates,
        left_alone=trial.left_alone,
        faults=trial.faults.told,
        faults_count=trial.faults.count,
        # By the machine's clock, for who adds up what several programs did at once.
        begun_s=begun_s,
        ended_s=ended_s,
        memory_mib=_memory_mib(),
    )
    return not trial.faults.count


async def _run(subject: Subject, wish: _Wish) -> bool:
    name = f"tierlink-{subject.service}-refold"
    # Commits are waited for. A connection that a crash took is replaced between two pages without a word, and
    # pages that were lost with it would be missing behind those that follow.
    live, new = (
        Database(
            dsn,
            application_name=name,
            connections_max=_CONNECTIONS_MAX,
            timeout_s=_TIMEOUT_S,
            session=_SESSION,
        )
        for dsn in (subject.dsn, wish.into)
    )
    try:
        async with alone(new):
            return await _verified(subject, wish, live, new)
    finally:
        await live.close()
        await new.close()


async def _verified(subject: Subject, wish: _Wish, live: Database, new: Database) -> bool:
    verification = Verification(subject, wish.source, live, new)
    begun_s = time.monotonic()
    amount = await verification.prepare(urlsplit(subject.dsn).path.lstrip("/"))
    progress = _Progress(amount)
    await verification.fold(progress.read)
    progress.tell()
    folded_s = time.monotonic()
    _say("comparing")
    found = await verification.compare(wish.shown_max, progress.read)
    is_right = found.is_same and not verification.faults.count
    _say(
        "verdict",
        same=is_right,
        events=found.rows.get("events", 0),
        rows=found.rows,
        counts={kind.value: count for kind, count in found.counts.items()},
        outdated=found.outdated,
        differences=[
            {
                "kind": each.kind.value,
                "table": each.table,
                "key": each.key,
                "columns": list(each.columns),
            }
            for each in found.shown
        ],
        faults=verification.faults.told,
        faults_count=verification.faults.count,
        read=progress.count - amount.folded,
        fold_s=round(folded_s - begun_s, 3),
        memory_mib=_memory_mib(),
        compare_s=round(time.monotonic() - folded_s, 3),
    )
    return is_right


def _memory_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class _Progress:
    """Says now and then how far the folding is."""

    def __init__(self, amount: Amount) -> None:
        self._amount = amount
        self.count = amount.folded
        self._told_s = 0.0
        self.tell()

    def read(self, count: int) -> None:
        self.count += count
        if time.monotonic() - self._told_s >= _TELL_EVERY_S:
            self.tell()

    def tell(self) -> None:
        self._told_s = time.monotonic()
        _say("progress", folded=self.count, events=self._amount.events)


def _say(what: str, **values: Any) -> None:
    try:
        sys.stdout.write(json.dumps({"say": what, **values}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Who asked is gone, perhaps killed: what was folded is kept, and the next one goes on with it.
        raise SystemExit(2) from None
