"""Real streams of a running service, taken apart so that others of their shape can be written from them."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import orjson
from google.protobuf.message import Message

from services.operator.bench.life import commands_of_a_life
from services.operator.bench.network import branch, lead
from services.operator.rpc.calling import Caller
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import TokenBook
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor, Role
from tierlink.notification.v1 import alert_events_pb2
from tierlink.referral.v1 import episode_events_pb2, referral_events_pb2

#: Whose ids stand in the templates.
ORIGIN, DESTINATION = branch(0, 0), lead(0)
PATIENT = f"bench-{(1 << 127):032x}"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")

_PEOPLE = {
    "origin": Actor(user="bench-origin", name="Bench origin", facility=ORIGIN, roles=(Role.CLINICIAN,)),
    "destination": Actor(
        user="bench-destination", name="Bench destination", facility=DESTINATION, roles=(Role.CLINICIAN,)
    ),
}
_REASON = {"code": "OTHER", "text": "bench"}
_CARE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("StartTreatment", "destination", {}),
    (
        "CompleteTreatment",
        "destination",
        {"discharge_summary": {"outcome": "IMPROVED", "summary": "病情稳定，带药出院"}},
    ),
    ("CloseReferral", "origin", {"outcome_report_acknowledged": True}),
)
_CANCEL = ("CancelReferral", "origin", {"reason": _REASON})
_ERROR = ("MarkEnteredInError", "origin", {"reason": _REASON})
_DECLINE = ("DeclineReferral", "destination", {"reason": _REASON})

#: What became of a referral: how many of a thousand, how far it goes along the usual course, and how it ends.
COURSES: tuple[tuple[int, int, tuple[tuple[str, str, dict[str, Any]], ...]], ...] = (
    (880, 5, _CARE),
    (45, 0, (_CANCEL,)),
    (2, 0, (_ERROR,)),
    (4, 0, (_DECLINE,)),
    (4, 0, ()),
    (5, 2, ()),
    (5, 4, ()),
    (5, 5, ()),
    (30, 5, _CARE[:1]),
    (20, 5, _CARE[:2]),
)
#: What they were sent for: how many of ten.
KINDS = ((3, "STROKE", "EMERGENCY"), (6, "GENERAL", "ROUTINE"), (1, "CHEST_PAIN", "URGENT"))

_EVENTS: dict[str, type[Message]] = {
    "referral": referral_events_pb2.ReferralEvent,
    "episode": episode_events_pb2.EpisodeEvent,
    "alert": alert_events_pb2.AlertEvent,
}


@dataclass(frozen=True, kw_only=True)
class EventTemplate:
    """One event of a template stream."""

    id: bytes
    type: str
    recorded_at: datetime
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class StreamTemplate:
    """One aggregate of a life, as it is stored."""

    kind: str
    name: str
    fold_version: int
    facets: bytes
    snapshot: bytes
    events: tuple[EventTemplate, ...]
    #: key, time and version of what is waited for
    deadlines: tuple[tuple[str, datetime, int], ...] = ()

    def moved(self, by: timedelta) -> "StreamTemplate":
        """The same, as if it had happened at another time."""
        facets = orjson.loads(self.facets)
        if "created" in facets:
            facets["created"] = (datetime.fromisoformat(facets["created"]) + by).isoformat()
        snapshot = _moved_value(msgspec.msgpack.decode(self.snapshot), by)
        return StreamTemplate(
            kind=self.kind,
            name=self.name,
            fold_version=self.fold_version,
            facets=orjson.dumps(facets),
            snapshot=msgspec.msgpack.encode(snapshot),
            events=tuple(self._moved_event(event, by) for event in self.events),
            deadlines=tuple(
                (_moved_text(key, by), due_at + by, version) for key, due_at, version in self.deadlines
            ),
        )

    def _moved_event(self, event: EventTemplate, by: timedelta) -> EventTemplate:
        message = _EVENTS[self.kind].FromString(event.payload)
        _move_times(message, int(by.total_seconds()))
        return EventTemplate(
            id=event.id,
            type=event.type,
            recorded_at=event.recorded_at + by,
            payload=message.SerializeToString(deterministic=True),
        )


@dataclass(frozen=True, kw_only=True)
class LifeTemplate:
    """A referral and its episode."""

    weight: int
    referral: StreamTemplate
    episode: StreamTemplate


class TemplateWriter:
    """Lives a few lives through gRPC."""

    def __init__(self, caller: Caller, tokens: TokenBook) -> None:
        self._caller = caller
        self._tokens = tokens

    async def live(self) -> AsyncIterator[tuple[int, str, str]]:
        """The weight, referral and episode of each life. Raises CallFailed."""
        for weight, pathway, urgency in KINDS:
            for share, steps, ending in COURSES:
                referral, episode = await self._life(pathway, urgency, steps, ending)
                yield weight * share, referral, episode

    async def _life(self, pathway: str, urgency: str, steps: int, ending: Sequence[Any]) -> tuple[str, str]:
        create, *changes = commands_of_a_life()
        rpc = rpc_methods()[create.method]
        request: Any = rpc.request_type.FromString(create.template)
        request.request_id, request.patient = str(uuid4()), PATIENT
        request.destinations[:] = [DESTINATION]
        chosen = build_message(rpc.request, {"pathway": pathway, "urgency": urgency})
        request.MergeFrom(chosen)
        created = (await self._call(create.method, create.who, request)).referral
        for change in changes[:steps]:
            message: Any = rpc_methods()[change.method].request_type.FromString(
                change.fill(str(uuid4()).encode(), created.name.encode(), PATIENT.encode())
            )
            await self._call(change.method, change.who, message)
        for method, who, fields in ending:
            built = {"request_id": str(uuid4()), "name": created.name, **fields}
            await self._call(method, who, build_message(rpc_methods()[method].request, built))
        return created.name, created.episode

    async def _call(self, method: str, who: str, request: Message) -> Any:
        answer = await self._caller.call(rpc_methods()[method], request, self._tokens.token(_PEOPLE[who]))
        return answer.message


async def read_template(connection: Any, weight: int, referral: str, episode: str) -> LifeTemplate:
    """A life as its rows have it."""
    return LifeTemplate(
        weight=weight,
        referral=await read_stream(connection, referral),
        episode=await read_stream(connection, episode),
    )


async def read_stream(connection: asyncpg.Connection, name: str) -> StreamTemplate:
    """An aggregate as its rows have it."""
    row = await connection.fetchrow(
        "SELECT kind, fold_version, facets::text AS facets, snapshot FROM streams WHERE stream_id = $1", name
    )
    events = await connection.fetch(
        "SELECT event_id, type, recorded_at, payload FROM events WHERE stream_id = $1 ORDER BY version", name
    )
    deadlines = await connection.fetch(
        "SELECT key, due_at, set_version FROM deadlines WHERE stream_id = $1", name
    )
    assert row is not None
    return StreamTemplate(
        kind=row["kind"],
        name=name,
        fold_version=row["fold_version"],
        facets=row["facets"].encode(),
        snapshot=row["snapshot"],
        events=tuple(
            EventTemplate(
                id=str(event["event_id"]).encode(),
                type=event["type"],
                recorded_at=event["recorded_at"],
                payload=event["payload"],
            )
            for event in events
        ),
        deadlines=tuple((each["key"], each["due_at"], each["set_version"]) for each in deadlines),
    )


def _moved_text(text: str, by: timedelta) -> str:
    """With every moment in it moved: some deadlines are named by one."""
    return _MOMENT.sub(lambda found: (datetime.fromisoformat(found[0]) + by).isoformat(), text)


def _moved_value(value: Any, by: timedelta) -> Any:
    match value:
        case datetime():
            return value + by
        case dict():
            return {key: _moved_value(each, by) for key, each in value.items()}
        case list():
            return [_moved_value(each, by) for each in value]
    return value


def _move_times(message: Message, seconds: int) -> None:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        values = value if field.is_repeated else [value]
        if field.message_type.full_name == "google.protobuf.Timestamp":
            for each in values:
                each.seconds += seconds
        elif not field.message_type.GetOptions().map_entry:
            for each in values:
                _move_times(each, seconds)
