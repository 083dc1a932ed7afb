"""Aggregates whose stored events stand for themselves: no envelope goes with them, and no claims."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from services.shared.eventstore.aggregate import AggregateKind, Facets
from services.shared.kernel.command import Deadline, Recorded
from services.shared.protocodec.event_codec import EventCodec
from tierlink.type.v1 import type_pb2

S = TypeVar("S")
E = TypeVar("E")
E_contra = TypeVar("E_contra", contravariant=True)


class Decider(Protocol[S, E_contra]):
    """What the module of an aggregate gives."""

    EVENTS: tuple[type, ...]

    @property
    def evolve(self) -> Callable[[S | None, Recorded[E_contra]], S]: ...

    @property
    def deadlines(self) -> Callable[[S], tuple[Deadline, ...]]: ...

    @property
    def facets(self) -> Callable[[S], Facets]: ...


def stored_kind(
    name: str,
    state_type: type[S],
    decider: Decider[S, E],
    message: type[Message],
    *,
    topic: str | None = None,
    fold_version: int = 1,
    facets: Callable[[S], Facets] | None = None,
) -> AggregateKind[S, E]:
    """The kind of a module's aggregate; `facets` in place of the module's own.

    Raises CodecMismatch when an event and its message do not fit.
    """
    codec: EventCodec[E] = EventCodec(message, type_pb2.EventMetadata, decider.EVENTS)
    return AggregateKind(
        name=name,
        topic=topic,
        state_type=state_type,
        evolve=decider.evolve,
        encode_event=lambda meta, event, state: codec.encode(meta, event),
        decode_event=codec.decode,
        deadlines=decider.deadlines,
        facets=facets or decider.facets,
        fold_version=fold_version,
    )
