"""Checks what the bed service recorded against a model of its own: it shares no line with the service's fold.

The event log says what happened to each bed, the clients say what they were told and when, and snapshots
taken on the way say which versions there were at one moment. Every function returns what it found wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tierlink.bed.v1 import bed_events_pb2 as pb

FREE, HELD, OCCUPIED, CLEANING, BLOCKED = "free", "held", "occupied", "cleaning", "blocked"
_URGENCIES = {1: 0, 2: 1, 3: 2}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One event as the database has it."""

    stream: str
    version: int
    event: Any

    @property
    def kind(self) -> str:
        return str(self.event.WhichOneof("payload"))

    @property
    def body(self) -> Any:
        return getattr(self.event, self.kind)


@dataclass
class BedModel:
    state: str = FREE
    #: name of the hold
    hold: str = ""
    referral: str = ""
    patient: str = ""


@dataclass
class WardModel:
    """A ward by its events. `faults` are those that cannot follow."""

    name: str
    beds: dict[str, BedModel] = field(default_factory=dict)
    token: int = 0
    version: int = 0
    faults: list[str] = field(default_factory=list)

    def apply(self, seen: Seen) -> None:
        if seen.version != self.version + 1:
            self.faults.append(f"{self.name}: version {seen.version} after {self.version}")
        self.version = seen.version
        getattr(self, f"_{seen.kind}")(seen.body)
        self._compare_counts(seen)

    def _compare_counts(self, seen: Seen) -> None:
        told = seen.event.counts
        found = dict.fromkeys((FREE, HELD, OCCUPIED, CLEANING, BLOCKED), 0)
        for bed in self.beds.values():
            found[bed.state] += 1
        said = {state: getattr(told, state) for state in found}
        if said != found or told.beds != len(self.beds):
            self.faults.append(f"{self.name} v{seen.version}: says {said} of {told.beds}, has {found}")

    def _move(self, bed: str, source: str, **after: str) -> None:
        model = self.beds.get(bed)
        if model is None:
            self.faults.append(f"{self.name} v{self.version}: no bed {bed}")
        elif model.state != source:
            self.faults.append(f"{self.name} v{self.version}: {bed} is {model.state}, not {source}")
        self.beds[bed] = BedModel(**after)

    def _same_hold(self, hold: Any) -> None:
        model = self.beds.get(hold.bed)
        if model is None or model.hold != hold.name:
            self.faults.append(f"{self.name} v{self.version}: {hold.bed} is not held by {hold.name}")

    def _grow(self, hold: Any) -> None:
        if hold.fencing_token <= self.token:
            self.faults.append(f"{self.name} v{self.version}: token {hold.fencing_token} after {self.token}")
        self.token = hold.fencing_token

    def _ward_applied(self, body: Any) -> None:
        for bed in body.removed_beds:
            if self.beds.pop(bed, BedModel()).state in (HELD, OCCUPIED):
                self.faults.append(f"{self.name} v{self.version}: {bed} was removed in use")
        self.beds.update({bed.id: BedModel() for bed in body.added_beds})

    def _bed_held(self, body: Any) -> None:
        hold = body.hold
        self._grow(hold)
        self._move(hold.bed, FREE, state=HELD, hold=hold.name, referral=hold.referral, patient=hold.patient)

    def _bed_hold_extended(self, body: Any) -> None:
        self._same_hold(body.hold)

    _bed_hold_in_transit = _bed_hold_overdue = _bed_hold_extended

    def _bed_released(self, body: Any) -> None:
        self._same_hold(body.hold)
        self._move(body.hold.bed, HELD)

    _bed_hold_lapsed = _bed_released

    def _bed_occupied(self, body: Any) -> None:
        if body.HasField("hold"):
            self._same_hold(body.hold)
        source = HELD if body.HasField("hold") else FREE
        self._lie(body.bed, source, body)

    def _lie(self, bed: str, source: str, body: Any) -> None:
        hold = body.hold
        self._move(bed, source, state=OCCUPIED, hold=hold.name, referral=hold.referral, patient=body.patient)

    def _bed_vacated(self, body: Any) -> None:
        self._move(body.bed, OCCUPIED, state=CLEANING)

    _bed_transferred_out = _bed_vacated

    def _bed_marked_ready(self, body: Any) -> None:
        self._move(body.bed, CLEANING)

    def _bed_transferred(self, body: Any) -> None:
        self._move(body.from_bed, OCCUPIED, state=CLEANING)
        self._lie(body.to_bed, FREE, body)

    def _bed_transferred_in(self, body: Any) -> None:
        if body.HasField("hold"):
            self._grow(body.hold)
        self._lie(body.bed, FREE, body)

    def _bed_blocked(self, body: Any) -> None:
        self._move(body.bed, FREE, state=BLOCKED)

    def _bed_block_overdue(self, body: Any) -> None:
        self._move(body.bed, BLOCKED, state=BLOCKED)

    def _bed_unblocked(self, body: Any) -> None:
        self._move(body.bed, BLOCKED)

    def _encounter_linked(self, body: Any) -> None:
        if self.beds[body.bed].state != OCCUPIED:
            self.faults.append(f"{self.name} v{self.version}: nobody lies in {body.bed}")

    def _counts_confirmed(self, body: Any) -> None:
        pass


#: of each referral at a version of a ward or desk: the beds that it has there, or `waits`
Places = dict[str, list[str]]


def by_stream(events: Iterable[Seen]) -> dict[str, list[Seen]]:
    streams: dict[str, list[Seen]] = defaultdict(list)
    for seen in events:
        streams[seen.stream].append(seen)
    return streams


def check_wards(streams: Mapping[str, Sequence[Seen]]) -> tuple[list[str], dict[tuple[str, int], Places]]:
    """What is wrong with the wards' histories, and where referrals were at each version of each ward."""
    faults: list[str] = []
    places: dict[tuple[str, int], Places] = {}
    for name, events in streams.items():
        if not name.startswith("wards/"):
            continue
        ward = WardModel(name=name)
        for seen in events:
            ward.apply(seen)
            there: Places = defaultdict(list)
            for bed, model in ward.beds.items():
                if model.referral:
                    there[model.referral].append(f"{name}/{bed}")
            places[name, seen.version] = there
        faults.extend(ward.faults)
    return faults, places


def check_desks(
    streams: Mapping[str, Sequence[Seen]],
) -> tuple[list[str], dict[tuple[str, int], Places]]:
    """The waiting lists: everybody who is served is the first. Right where every bed fits everybody."""
    faults: list[str] = []
    places: dict[tuple[str, int], Places] = {}
    for name, events in streams.items():
        if not name.startswith("desks/"):
            continue
        waiting: dict[str, Any] = {}
        for seen in events:
            entry = getattr(seen.body, "entry", None)
            match seen.kind:
                case "waiting_joined" | "waiting_changed":
                    if (seen.kind == "waiting_joined") is (entry.referral in waiting):
                        faults.append(f"{name} v{seen.version}: {seen.kind} of {entry.referral}")
                    waiting[entry.referral] = entry
                case "waiting_served" | "waiting_left":
                    if entry.referral not in waiting:
                        faults.append(f"{name} v{seen.version}: {entry.referral} did not wait")
                    elif seen.kind == "waiting_served" and _first(waiting, entry) != entry.referral:
                        faults.append(f"{name} v{seen.version}: {entry.referral} was served out of turn")
                    waiting.pop(entry.referral, None)
            places[name, seen.version] = {referral: [f"{name} waits"] for referral in waiting}
    return faults, places


def _first(waiting: Mapping[str, Any], entry: Any) -> str:
    same = [each for each in waiting.values() if each.bed_type == entry.bed_type]
    first = min(same, key=lambda e: (_URGENCIES[e.urgency], e.asked_at.ToNanoseconds(), e.referral))
    return str(first.referral)


def check_snapshots(
    snapshots: Iterable[Mapping[str, int]], places: Mapping[tuple[str, int], Places]
) -> list[str]:
    """At each of these moments no referral had two beds, or a bed and a place on a list."""
    faults = []
    for versions in snapshots:
        found: Places = defaultdict(list)
        for at in versions.items():
            for referral, there in places.get(at, {}).items():
                found[referral].extend(there)
        faults.extend(f"{referral} has {there}" for referral, there in found.items() if len(there) > 1)
    return faults


def check_waits(
    snapshots: Iterable[Mapping[str, int]],
    streams: Mapping[str, Sequence[Seen]],
    on_lists: Mapping[tuple[str, int], Places],
) -> list[str]:
    """At none of these moments was a bed free while somebody waited. Right where every bed fits everybody."""
    faults = []
    for versions in snapshots:
        waiting = [referral for at in versions.items() for referral in on_lists.get(at, ())]
        free = [
            name
            for name, version in versions.items()
            if name.startswith("wards/") and streams[name][version - 1].event.counts.free
        ]
        if waiting and free:
            faults.append(f"{len(waiting)} wait beside free beds of {free}")
    return faults


def read(rows: Iterable[Any]) -> list[Seen]:
    """Rows of the table of events."""
    return [
        Seen(stream=row["stream_id"], version=row["version"], event=pb.BedEvent.FromString(row["payload"]))
        for row in rows
    ]
