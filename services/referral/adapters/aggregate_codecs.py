"""How each kind of aggregate of this service is encoded: domain values to the messages of `protos/`."""

from typing import Any

from services.referral.application.aggregates import Aggregates
from services.referral.domain import consultation as consultations
from services.referral.domain import directory as directories
from services.referral.domain import episode as episodes
from services.referral.domain import referral as referrals
from services.referral.domain import standing as orders
from services.referral.domain.clock_readings import facets_with_readings
from services.referral.domain.clocks_targets import ClockTarget, SourcedShare
from services.referral.domain.consultation_events import ConsultationEvent
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.directory_state import Directory
from services.referral.domain.episode_events import EpisodeEvent
from services.referral.domain.episode_state import Episode
from services.referral.domain.referral_state import Referral, ReferralEnvelope, envelope
from services.referral.domain.standing_state import StandingEnvelope, StandingOrder
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.protocodec import EventCodec
from tierlink.referral.v1 import (
    consultation_events_pb2,
    directory_events_pb2,
    episode_events_pb2,
    referral_events_pb2,
    standing_events_pb2,
)
from tierlink.type.v1 import type_pb2

REFERRAL_TOPIC = "tierlink.referral.events.v1"
EPISODE_TOPIC = "tierlink.episode.events.v1"
CONSULTATION_TOPIC = "tierlink.consultation.events.v1"
STANDING_TOPIC = "tierlink.standing.events.v1"
DIRECTORY_TOPIC = "tierlink.directory.v1"


def build_aggregates(
    clock_targets: tuple[ClockTarget, ...] = (), shares: tuple[SourcedShare, ...] = ()
) -> Aggregates:
    """Compiles the codecs. `clock_targets` and `shares` say what of an episode is counted.

    Raises CodecMismatch when an event and its message do not fit."""
    return Aggregates(
        referral=_referral(),
        episode=_episode(clock_targets, shares),
        consultation=_consultation(),
        standing=_standing(),
        directory=_directory(),
    )


def _referral() -> AggregateKind[Referral, Any]:
    referral = EventCodec(
        referral_events_pb2.ReferralEvent,
        type_pb2.EventMetadata,
        referrals.EVENTS,
        envelope_type=ReferralEnvelope,
    )
    return AggregateKind(
        name="referral",
        topic=REFERRAL_TOPIC,
        state_type=Referral,
        evolve=referrals.evolve,
        encode_event=lambda meta, event, state: referral.encode(meta, event, envelope(state)),
        decode_event=referral.decode,
        deadlines=referrals.deadlines,
        facets=referrals.facets,
        # 6: transport names who carries; 8: a question names the offer it is asked of
        fold_version=8,
    )


def _episode(
    clock_targets: tuple[ClockTarget, ...], shares: tuple[SourcedShare, ...]
) -> AggregateKind[Episode, EpisodeEvent]:
    episode: EventCodec[EpisodeEvent] = EventCodec(
        episode_events_pb2.EpisodeEvent, type_pb2.EventMetadata, episodes.EVENTS
    )
    return AggregateKind(
        name="episode",
        topic=EPISODE_TOPIC,
        state_type=Episode,
        evolve=episodes.evolve,
        encode_event=lambda meta, event, state: episode.encode(meta, event),
        decode_event=episode.decode,
        deadlines=episodes.deadlines,
        facets=lambda state: facets_with_readings(state, clock_targets, shares),
        # 2: exclusions of clocks, and moves that ended before they began
        fold_version=2,
    )


def _consultation() -> AggregateKind[Consultation, ConsultationEvent]:
    consultation: EventCodec[ConsultationEvent] = EventCodec(
        consultation_events_pb2.ConsultationEvent, type_pb2.EventMetadata, consultations.EVENTS
    )
    return AggregateKind(
        name="consultation",
        topic=CONSULTATION_TOPIC,
        state_type=Consultation,
        evolve=consultations.evolve,
        encode_event=lambda meta, event, state: consultation.encode(meta, event),
        decode_event=consultation.decode,
        deadlines=consultations.deadlines,
        facets=consultations.facets,
        # 2: whose claim lapsed, who may still report
        fold_version=2,
    )


def _standing() -> AggregateKind[StandingOrder, Any]:
    standing = EventCodec(
        standing_events_pb2.StandingEvent,
        type_pb2.EventMetadata,
        orders.EVENTS,
        envelope_type=StandingEnvelope,
    )
    return AggregateKind(
        name="standing_order",
        topic=STANDING_TOPIC,
        state_type=StandingOrder,
        evolve=orders.evolve,
        encode_event=lambda meta, event, state: standing.encode(meta, event, orders.envelope(state)),
        decode_event=standing.decode,
        deadlines=orders.deadlines,
        facets=orders.facets,
    )


def _directory() -> AggregateKind[Directory, Any]:
    directory = EventCodec(directory_events_pb2.DirectoryEvent, type_pb2.EventMetadata, directories.EVENTS)
    return AggregateKind(
        name="directory",
        # Its facilities and communities are published one by one, compacted (see `apply_directory`).
        topic=None,
        state_type=Directory,
        evolve=directories.evolve,
        encode_event=lambda meta, event, state: directory.encode(meta, event),
        decode_event=directory.decode,
        deadlines=directories.deadlines,
        facets=directories.facets,
    )
