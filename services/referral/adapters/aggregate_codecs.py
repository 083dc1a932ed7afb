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
from services.shared.protocodec.stored_kind import stored_kind
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
#: Kinds whose events operators may export as stored: who reads a patient's record is to be known by name.
EXPORTED_KINDS = frozenset({"directory"})


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
    return stored_kind(
        "episode",
        Episode,
        episodes,
        episode_events_pb2.EpisodeEvent,
        topic=EPISODE_TOPIC,
        facets=lambda state: facets_with_readings(state, clock_targets, shares),
        # 2: exclusions of clocks, and moves that ended before they began
        fold_version=2,
    )


def _consultation() -> AggregateKind[Consultation, ConsultationEvent]:
    return stored_kind(
        "consultation",
        Consultation,
        consultations,
        consultation_events_pb2.ConsultationEvent,
        topic=CONSULTATION_TOPIC,
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
    # Its facilities and communities are published one by one, compacted (see `apply_directory`).
    return stored_kind("directory", Directory, directories, directory_events_pb2.DirectoryEvent)
