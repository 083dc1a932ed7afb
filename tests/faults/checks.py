"""What must hold after a run, over what clients saw and what is stored. Each check tells what it found.

They share no line with the services; what they know is the contract.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from tests.faults.evidence import Evidence, StoredEvent, StoreEvidence
from tests.faults.history import Call, History

#: Kinds of aggregates whose every event goes to Kafka.
_PUBLISHED = frozenset({"referrals", "episodes", "consultations", "wards", "desks", "alerts"})
#: What the clients' clock and PostgreSQL's may differ by; here they are of one machine.
_CLOCKS_DIFFER = timedelta(seconds=2)


def acknowledged_commands_are_there_once(history: History, evidence: Evidence) -> Iterator[str]:
    """What was acknowledged is stored once under its request id, at the version that the caller was told."""
    for service, store in evidence.stores.items():
        rows = {row.request_id: row for row in store.requests}
        made = _by_request(store)
        for call in history.of(service):
            row = rows.get(call.request_id)
            events = made.get(call.request_id, ())
            if call.is_refused and (row is not None or events):
                yield f"{_said(call)} was refused ({call.outcome}) and is stored"
            if not call.is_acknowledged:
                continue
            if row is None:
                yield f"{_said(call)} was acknowledged and is not stored"
            elif (row.stream.rpartition("/")[2], row.version) != (
                call.name.rpartition("/")[2],
                call.version,
            ):
                told = f"{call.name} v{call.version}"
                yield f"{_said(call)} was told {told}; stored is {row.stream} v{row.version}"
            twice = [kind for kind, count in Counter((e.stream, e.type) for e in events).items() if count > 1]
            if twice:
                yield f"{_said(call)} was carried out twice: {twice}"


def versions_follow_each_other(_history: History, evidence: Evidence) -> Iterator[str]:
    """Each aggregate's events are numbered from one without a gap, and its row stands at the last."""
    for store in evidence.stores.values():
        streams = _by_stream(store)
        for name, events in streams.items():
            versions = [event.version for event in events]
            if versions != list(range(1, len(versions) + 1)):
                yield f"{name}: versions {versions[:20]}"
        for name, version in store.versions.items():
            if len(streams.get(name, ())) != version:
                yield f"{name}: the row is at v{version}, with {len(streams.get(name, ()))} events"
        yield from (f"{name}: events without a row" for name in streams.keys() - store.versions.keys())


def every_event_is_published_in_order(_history: History, evidence: Evidence) -> Iterator[str]:
    """Kafka has every event of the published kinds, as it was stored; the first of each come in order."""
    published = {record.event_id: record for record in evidence.records}
    # Said beforehand: a topic that nothing was read of would otherwise be no topic of anything.
    kinds = _PUBLISHED | {record.key.partition("/")[0] for record in evidence.records}
    stored: dict[str, StoredEvent] = {}
    for store in evidence.stores.values():
        stored.update({event.event_id: event for event in store.events})
        for event in store.events:
            if event.stream.partition("/")[0] not in kinds:
                continue
            record = published.get(event.event_id)
            if record is None:
                yield f"{event.stream} v{event.version} ({event.type}) is not in Kafka"
            elif record.value != event.payload or record.key != event.stream:
                yield f"{event.stream} v{event.version} is another in Kafka than in the store"
    reached: dict[tuple[str, str], int] = defaultdict(int)
    for record in sorted(evidence.records, key=lambda each: (each.topic, each.partition, each.offset)):
        if record.event_id not in stored:
            where = f"{record.topic}/{record.partition}@{record.offset}"
            yield f"{where}: {record.key} v{record.version} is of no store"
            continue
        known = reached[record.topic, record.key]
        if record.version > known + 1:
            yield f"{record.key}: v{record.version} follows v{known} in {record.topic}"
        reached[record.topic, record.key] = max(known, record.version)


def nothing_is_left_behind(_history: History, evidence: Evidence) -> Iterator[str]:
    """Once nothing disturbs any more the outboxes are empty, deadlines are met and everything is read."""
    yield from evidence.unsettled
    for store in evidence.stores.values():
        if store.outbox_count:
            yield f"{store.service}: {store.outbox_count} messages are left in the outbox"
        yield from (f"{store.service}: {each} was not met" for each in store.overdue)


def every_event_is_handled_once(_history: History, evidence: Evidence) -> Iterator[str]:
    """Each service's inbox stands at the last version of every aggregate that it reads of."""
    last: dict[tuple[str, str], int] = defaultdict(int)
    for record in evidence.records:
        last[record.topic, record.key] = max(last[record.topic, record.key], record.version)
    for store in evidence.stores.values():
        yield from (f"{store.service}: {each} is parked" for each in store.parked)
        read = {source for source, _ in store.inbox}
        for (topic, name), version in last.items():
            known = store.inbox.get((topic, name), 0)
            if topic in read and known != version:
                yield f"{store.service}: of {name} v{known} is handled, v{version} was published"


def the_same_request_has_the_same_reply(_history: History, evidence: Evidence) -> Iterator[str]:
    """An acknowledged request that is sent again is answered with the same bytes."""
    for each in evidence.repeated:
        if each.status != "OK":
            yield f"{each.method} {each.request_id}: sent again it is refused ({each.status})"
        elif each.again != each.first:
            yield f"{each.method} {each.request_id}: sent again it is answered otherwise"


def chains_are_intact(_history: History, evidence: Evidence) -> Iterator[str]:
    """Every chain verifies, to the signed checkpoints, and every state is the fold of its events."""
    for verdict in evidence.audits:
        yield from (f"{verdict.service}: {finding}" for finding in verdict.findings)


def one_effect_an_alert_and_recipient(_history: History, evidence: Evidence) -> Iterator[str]:
    """However often a message was sent, one call of one alert reaches a recipient under one key."""
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for receipt in evidence.receipts:
        if not receipt.alert:
            yield f"a message with the key {receipt.key!r} is of no call"
        else:
            keys[receipt.alert, receipt.recipient].add(receipt.key)
    for (alert, recipient), found in keys.items():
        if len(found) > 1:
            yield f"{alert}: {recipient} was told {len(found)} times"


def commands_take_effect_while_they_are_called(history: History, evidence: Evidence) -> Iterator[str]:
    """Of two commands on one aggregate the one that was answered before the other was sent comes first.

    With versions as the order this is what makes the histories of holds and referrals linearizable.
    """
    for service in evidence.stores:
        by_name: dict[str, list[Call]] = defaultdict(list)
        for call in history.of(service):
            if call.is_acknowledged and call.name:
                by_name[call.name].append(call)
        for name, calls in by_name.items():
            ordered = sorted(calls, key=lambda each: each.version)
            latest_begin = None
            for call in ordered:
                if latest_begin is not None and call.ended_at < latest_begin.begun_at:
                    yield (
                        f"{name}: {_said(call)} (v{call.version}) was answered before "
                        f"{_said(latest_begin)} (v{latest_begin.version}) was sent"
                    )
                if latest_begin is None or call.begun_at > latest_begin.begun_at:
                    latest_begin = call


def moments_are_true(history: History, evidence: Evidence) -> Iterator[str]:
    """What a caller had recorded was recorded while he called, whatever the clock of a process said."""
    for service, store in evidence.stores.items():
        made = _by_request(store)
        for call in history.of(service):
            for event in made.get(call.request_id, ()):
                if not call.begun_at - _CLOCKS_DIFFER <= event.recorded_at <= call.ended_at + _CLOCKS_DIFFER:
                    late_s = (event.recorded_at - call.ended_at).total_seconds()
                    yield f"{event.stream} v{event.version}: {_said(call)}, recorded {late_s:+.0f} s after it"


Check = Callable[[History, Evidence], Iterator[str]]
GENERAL_CHECKS: tuple[Check, ...] = (
    acknowledged_commands_are_there_once,
    versions_follow_each_other,
    every_event_is_published_in_order,
    nothing_is_left_behind,
    every_event_is_handled_once,
    the_same_request_has_the_same_reply,
    chains_are_intact,
    one_effect_an_alert_and_recipient,
    commands_take_effect_while_they_are_called,
    moments_are_true,
)


def _said(call: Call) -> str:
    return f"{call.method} {call.request_id}"


def _by_stream(store: StoreEvidence) -> Mapping[str, Sequence[StoredEvent]]:
    streams: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in sorted(store.events, key=lambda each: (each.stream, each.version)):
        streams[event.stream].append(event)
    return streams


def _by_request(store: StoreEvidence) -> Mapping[str, Sequence[StoredEvent]]:
    made: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in store.events:
        made[event.request_id].append(event)
    return made
